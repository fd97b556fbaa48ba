"""What a log is and how it is read: the files of a run, finished or being written, checked and shown as arrays.

Example:
    >>> from probes.logs import Manifest, Series, memory_log
    >>> log = memory_log(Manifest("seed-0", (Series("w", ("neuron",), (2,)),)), [0, 5], {"w": [[1, 2], [3, 4]]})
    >>> log["w"][1]
    array([3., 4.], dtype=float32)
"""

from probes.logs.directions import StoredDirections
from probes.logs.evaluation import Evaluation, read_evaluation
from probes.logs.layout import Series
from probes.logs.manifest import Manifest, read_manifest
from probes.logs.memory import memory_log
from probes.logs.outputs import Outputs, write_outputs
from probes.logs.protocol import LogLike, SeriesLike
from probes.logs.reader import Log, open_log
from probes.logs.runs import Logs, open_logs

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
