"""Recorded rows as HDF5 files that any tool opens: the segments of a run, and the log.h5 that shows them as one.

Example:
    >>> import io, h5py, numpy as np
    >>> from probes.log.manifest import Manifest
    >>> from probes.log.rows import Rows
    >>> from probes.segments import segment_bytes
    >>> rows = Rows(np.arange(3), {}, {"loss": (np.array([0]), np.array([2.5]))})
    >>> with h5py.File(io.BytesIO(segment_bytes(Manifest("seed-0", ()), rows))) as file:
    ...     file["step"][:]
    array([0, 1, 2])
"""

from probes.log.writing.merged import merge
from probes.log.writing.segment import segment_bytes

__all__ = ["merge", "segment_bytes"]
