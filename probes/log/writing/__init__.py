"""How a log is written: what a run records is journalled at once, sealed as HDF5 later, and can be read at any time.

Example:
    >>> import numpy as np
    >>> from probes.log import Manifest, Series, open_log
    >>> from probes.log.writing import RunWriter
    >>> with RunWriter("runs/seed-0", Manifest("seed-0", (Series("w", ("neuron",), (2,)),))) as writer:
    ...     writer.append(0, {"w": np.ones(2, "f4")})
    >>> open_log("runs/seed-0")["w"][:]
    array([[1., 1.]], dtype=float32)
"""

from probes.log.evaluation import write_evaluation
from probes.log.manifest import write_manifest
from probes.log.writing.resuming import Position
from probes.log.writing.writer import RunWriter

__all__ = ["Position", "RunWriter", "write_evaluation", "write_manifest"]
