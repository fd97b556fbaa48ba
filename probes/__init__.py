"""Record what every neuron learns at every optimizer step, and set the theory of ensembles beside it.

Importing this package pulls neither torch nor pandas nor h5py: a name is loaded the first time it is used.

Example:
    >>> import probes
    >>> schedule = probes.every(100) | probes.first(2)
    >>> str(schedule)
    'every(100) | first(2)'
"""

from importlib import import_module
from pathlib import Path
from typing import Any

__version__ = "0.1.0"

_MODULE_OF = {
    "Directions": "probes.directions",
    "ProbeBatch": "probes.quantities",
    "ProbesError": "probes.errors",
    "Quantity": "probes.quantities",
    "Recorder": "probes.recording",
    "StackedRecorder": "probes.recording",
    "Tap": "probes.quantities",
    "at": "probes.schedules",
    "every": "probes.schedules",
    "first": "probes.schedules",
    "logarithmic": "probes.schedules",
    "open_log": "probes.log",
    "open_logs": "probes.log",
    "open_study": "probes.analysis.study",
    "role": "probes.roles",
    "window": "probes.schedules",
}
_SUBPACKAGES = (
    "analysis",
    "estimators",
    "integrations",
    "learners",
    "log",
    "quantities",
    "studies",
)

__all__ = list(_MODULE_OF)

# In a checkout that is not installed, `learners/` and `analysis/` lie beside this folder instead of inside it.
_checkout = Path(__file__).resolve().parent.parent
if not (Path(__file__).parent / "learners").is_dir() and (_checkout / "learners").is_dir():
    __path__.append(str(_checkout))


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(import_module(_MODULE_OF[name]), name)
    if name in _SUBPACKAGES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(["__version__", *_MODULE_OF, *_SUBPACKAGES])
