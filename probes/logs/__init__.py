"""What a log is and how it is read: the files of a run, finished or being written, checked and shown as arrays.

Example:
    >>> from probes.log import Manifest, Series, memory_log
    >>> log = memory_log(Manifest("seed-0", (Series("w", ("neuron",), (2,)),)), [0, 5], {"w": [[1, 2], [3, 4]]})
    >>> log["w"][1]
    array([3., 4.], dtype=float32)
"""

from probes.log.evaluation import Evaluation, read_evaluation
from probes.log.layout import Series
from probes.log.manifest import Manifest, read_manifest
from probes.log.memory import memory_log
from probes.log.outputs import Outputs, write_outputs
from probes.log.protocol import LogLike, SeriesLike
from probes.log.reader import Log, open_log
from probes.log.runs import Logs, open_logs
from probes.log.stored_directions import StoredDirections

__all__ = [
    "Evaluation",
    "Log",
    "LogLike",
    "Logs",
    "Manifest",
    "Outputs",
    "Series",
    "SeriesLike",
    "StoredDirections",
    "memory_log",
    "open_log",
    "open_logs",
    "read_evaluation",
    "read_manifest",
    "write_outputs",
]
