"""What a reader of logs may rely on, whether the log lies in files or in memory."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from probes.log.evaluation import Evaluation
from probes.log.layout import Series
from probes.log.manifest import Manifest
from probes.log.outputs import Outputs
from probes.log.stored_directions import StoredDirections

__all__ = ["LogLike", "SeriesLike"]


class SeriesLike(Protocol):
    """One recorded array per step, axes ``(step, *dims)``, read when it is indexed."""

    @property
    def dims(self) -> tuple[str, ...]:
        """Name of every axis, ``step`` first."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of every axis."""

    @property
    def steps(self) -> NDArray[np.int64]:
        """The steps at which the series has rows, rising."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""

    def __getitem__(self, index: Any) -> NDArray[Any]:
        """The values at an index such as NumPy takes; the first axis counts recorded rows, not steps."""

    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> NDArray[Any]:
        """All values."""

    def blocks(self, rows: int | None = None) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
        """Steps and values of at most so many rows at a time, or as many as memory has room for, in order."""


class LogLike(Protocol):
    """One recorded run."""

    @property
    def path(self) -> Path:
        """Its directory."""

    @property
    def manifest(self) -> Manifest:
        """What the run is."""

    @property
    def label(self) -> str:
        """What tells it from other runs below the same root: its run_id, or else its path below the root."""

    @property
    def status(self) -> str:
        """That of the manifest, or ``stopped`` where it says ``recording`` but nobody writes."""

    @property
    def series(self) -> Mapping[str, Series]:
        """What is recorded, by name."""

    @property
    def steps(self) -> NDArray[np.int64]:
        """The steps that are recorded, rising, of all series but those that have a schedule of their own."""

    @property
    def faults(self) -> tuple[str, ...]:
        """What is missing or damaged, a line each."""

    @property
    def evaluation(self) -> Evaluation | None:
        """What was measured of the trained network, if it was."""

    @property
    def output_sets(self) -> Mapping[str, tuple[int, ...]]:
        """The sets that outputs are stored of, with their steps."""

    def outputs(self, name: str = "", *, step: int | None = None) -> Outputs:
        """The outputs of a set, default the only one or ``test``, at a step, default the last."""

    def __getitem__(self, name: str) -> SeriesLike:
        """The series of that name."""

    def scalars(self) -> Any:
        """A pandas DataFrame of what was logged, indexed by ``step``, a column for each name."""

    def directions(self, series: str | None = None) -> StoredDirections:
        """The directions of a series; without a name, those that all series share."""
