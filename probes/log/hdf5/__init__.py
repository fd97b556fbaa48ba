"""HDF5 files of a run as they are read: checked before any data is, since they may come from strangers.

What writes them needs no HDF5 library inside a training process and lies in `probes.log.writing`.
"""
