"""What only the network and the data can tell of a run, measured once and kept beside its log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from probes.log.hdf5.arrays import read_arrays, write_arrays
from probes.log.layout import EVALUATION

__all__ = ["Evaluation", "read_evaluation", "write_evaluation"]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Measured arrays, such as ``multi_view/logits`` with axes ``(sample, class)``, and facts about the measurement.

    Example:
        >>> Evaluation({}, {"mu": 0.25}).attrs["mu"]
        0.25
    """

    arrays: Mapping[str, NDArray[Any]]
    attrs: Mapping[str, float | int | str] = field(default_factory=dict)


def write_evaluation(run_dir: str | Path, evaluation: Evaluation) -> None:
    """Store the evaluation with the run, in place of one before.

    Raises:
        TypeError: an array does not hold numbers.
        OSError: the disk is full or refuses.

    Example:
        >>> write_evaluation(".", Evaluation({}, {"mu": 0.25}))
        >>> read_evaluation(".").attrs
        {'mu': 0.25}
    """
    write_arrays(Path(run_dir) / EVALUATION, evaluation.arrays, evaluation.attrs)


def read_evaluation(run_dir: str | Path) -> Evaluation | None:
    """The evaluation stored with the run, if there is one.

    Raises:
        LogError: the file is damaged, foreign, or of another format.

    Example:
        >>> read_evaluation("somewhere else")
    """
    try:
        return Evaluation(*read_arrays(Path(run_dir) / EVALUATION))
    except FileNotFoundError:
        return None
