"""A recorded run as it is read, also while it is being written."""

import html
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from probes.errors import LogError
from probes.log.evaluation import Evaluation
from probes.log.folder import Source, run_folder
from probes.log.layout import STEP, Series, axis_names
from probes.log.manifest import Manifest
from probes.log.one_file import packed_run
from probes.log.outputs import Outputs, Stored, chosen, measured_outputs
from probes.log.rows import Rows, join_scalars, join_steps
from probes.log.stored_directions import StoredDirections, directions_of
from probes.log.view import SeriesView

__all__ = ["Log", "open_log"]

# Of the table of scalars: as many cells as it may have, or how many for each value that was logged.
_MOST_CELLS, _MOST_EMPTY = 2**23, 64


class Log:
    """One recorded run; a snapshot, which `refresh` renews.

    Opening it reads run.json alone; steps and scalars are read when first asked for, a series when it is indexed.

    Raises:
        RunError: there is no run.
        LogError: a file of the run is damaged, foreign, or of another format.

    Example:
        >>> from probes.log.writing.writer import RunWriter
        >>> with RunWriter("runs/seed-0", Manifest("seed-0", (Series("w", ("neuron",), (3,)),))) as writer:
        ...     writer.append(0, {"w": np.zeros(3, "f4")})
        >>> log = Log(run_folder(Path("runs/seed-0")))
        >>> log
        Log(seed-0: finished, 1 row, steps 0 to 0, w (step, neuron))
        >>> log["w"].shape
        (1, 3)
    """

    path: Path  # its directory
    manifest: Manifest  # what the run is
    label: str  # its run_id, or, where that of another run below the same root is the same, its path below the root

    def __init__(self, source: Source) -> None:
        self._source = source
        self.path = source.path
        self.refresh()
        self.label = self.manifest.run_id

    def refresh(self) -> Self:
        """The log itself, from now on as the run is now."""
        self.manifest = self._source.manifest()
        self._status: str | None = None
        self._evaluation: Evaluation | None = None
        self._outputs: Stored | None = None
        self._directions: Mapping[str, StoredDirections] | None = None
        self._found: tuple[list[Rows], list[str]] | None = None
        self._views: dict[str, SeriesView] = {}
        return self

    @property
    def status(self) -> str:
        """What became of the run: as in the manifest, but ``stopped`` if it is cut off and nobody writes."""
        if self._status is None:
            self._status = self._source.status(self.manifest)
        return self._status

    @property
    def series(self) -> Mapping[str, Series]:
        """What is recorded, by name."""
        return {one.name: one for one in self.manifest.series}

    @property
    def steps(self) -> NDArray[np.int64]:
        """The steps that are recorded, rising; a series that has a schedule of its own has `SeriesView.steps`."""
        schedule = self.manifest.schedules.get("")
        return np.concatenate([np.empty(0, np.int64), *(part.steps_of(schedule) for part in self.parts())])

    @property
    def faults(self) -> tuple[str, ...]:
        """What is missing or damaged, a line each; reading a series may find more."""
        parts, missing = self._snapshot()
        gaps = [gap for part in parts for gap in part.gaps]
        left_out = [f"`{self.path}`: {rows} rows, steps {first} to {last}, were left out" for first, last, rows in gaps]
        return (*missing, *left_out, *(fault for part in parts for fault in part.faults))

    @property
    def evaluation(self) -> Evaluation | None:
        """What was measured of the trained network, if it was."""
        if self._evaluation is None:
            self._evaluation = self._source.evaluation()
        return self._evaluation

    @property
    def output_sets(self) -> Mapping[str, tuple[int, ...]]:
        """The sets that outputs are stored of, with their steps; what was measured counts as of the last step."""
        return {name: tuple(steps) for name, steps in self._stored_outputs().items()}

    def outputs(self, name: str = "", *, step: int | None = None) -> Outputs:
        """The outputs of a set, default the only one or ``test``, at a step, default the last.

        Raises:
            LogError: there are none of that name and step, or their file is damaged.
        """
        return chosen(self._stored_outputs(), name, step, self.path)

    def _stored_outputs(self) -> Stored:
        if self._outputs is None:
            stored, evaluation = self._source.outputs(), self.evaluation
            arrays = evaluation.arrays if evaluation else {}
            self._outputs = {**measured_outputs(arrays, int(max(self.steps, default=0))), **stored}
        return self._outputs

    def __getitem__(self, name: str) -> SeriesView:
        if name not in self.series:
            known = ", ".join(self.series) or "none"
            raise LogError(f"expected a series of `{self.path}`, one of {known}; got `{name}`")
        if name not in self._views:
            self._views[name] = SeriesView(self.series[name], self.parts, self.manifest.schedules.get(name))
        return self._views[name]

    def parts(self, *, again: bool = False) -> list[Rows]:
        """The stretches of the log in order; the same rows are looked up ``again`` where their files have changed.

        Raises:
            LogError: a file is damaged or foreign, or the run was resumed and the rows are gone.
        """
        parts, missing = self._snapshot()
        if again:
            parts = self._moved(parts)
            self._found = parts, missing
        return parts

    def _moved(self, parts: list[Rows]) -> list[Rows]:
        """The same rows where they lie now, with the same scalars."""
        steps = join_steps(parts)
        last = int(steps[-1]) if len(steps) else -1
        found = [part.up_to(last) for part in self._source.parts(self.manifest)[0]]
        known = len(self.manifest.attempts)
        newer = any(part.attempt > known for part in found)
        if (newer and self._source.manifest().last_of(known) < last) or not np.array_equal(join_steps(found), steps):
            raise LogError(
                f"expected the rows of `{self.path}` as they were, got others: it was resumed; refresh the log"
            )
        scalars = join_scalars(part.scalars for part in parts)
        return [replace(part, scalars={} if number else scalars) for number, part in enumerate(found)]

    def scalars(self) -> Any:
        """A pandas DataFrame of what was logged: indexed by ``step``, a column for each name, NaN where not logged.

        Raises:
            LogError: a file is damaged, or the table would be far larger than what was logged.
        """
        import pandas as pd

        columns = {}
        for name, (steps, values) in join_scalars(part.scalars for part in self.parts()).items():
            column = pd.Series(values, index=steps)
            columns[name] = column[~column.index.duplicated(keep="last")]
        self._check_table([column.index.to_numpy() for column in columns.values()])
        table = pd.DataFrame(columns, index=None if columns else pd.Index([], dtype=np.int64))
        return table.sort_index().rename_axis(STEP)

    def _check_table(self, steps: list[NDArray[np.int64]]) -> None:
        logged = sum(map(len, steps))
        cells = len(steps) * len(np.unique(np.concatenate(steps))) if steps else 0
        if cells > max(_MOST_CELLS, _MOST_EMPTY * logged):
            raise LogError(
                f"expected scalars of `{self.path}` as a table, got one of {cells} cells for {logged} values; read "
                "`scalars` of each of `parts()`"
            )

    def directions(self, series: str | None = None) -> StoredDirections:
        """The directions of a series; without a name, those that all series share, nulls apart.

        Raises:
            LogError: there are none, they differ and none is named, or they are not those that run.json names.
        """
        if self._directions is None:
            self._directions = self._source.directions()
        return directions_of(self._directions, series, self.path)

    def to_xarray(self) -> Any:
        """An xarray Dataset of all series, with steps and labels as coordinates; it is wholly in memory.

        The rows of a series that has a schedule of its own lie along an axis ``<series>.step``.
        """
        import xarray as xr

        axes = axis_names(self.manifest.series)
        labels = {axes[one.name, dim]: list(names) for one in self.manifest.series for dim, names in one.labels.items()}
        arrays = {
            name: (
                tuple(axes.get((name, dim), dim) for dim in (STEP, *one.dims)),
                np.asarray(self[name]),
                one.attributes,
            )
            for name, one in self.series.items()
        }
        steps = {axes[name, STEP]: self[name].steps for name, one in self.series.items() if one.schedule}
        return xr.Dataset(arrays, coords={STEP: self.steps, **steps, **labels}, attrs={"run_id": self.manifest.run_id})

    def __repr__(self) -> str:
        return f"Log({self.manifest.run_id}: {', '.join(self._facts().values())})"

    def _repr_html_(self) -> str:
        facts = {"run": self.manifest.run_id, **self._facts(), "faults": "; ".join(self.faults) or "none"}
        rows = "".join(f"<tr><th>{name}</th><td>{html.escape(text)}</td></tr>" for name, text in facts.items())
        return f"<table>{rows}</table>"

    def _facts(self) -> dict[str, str]:
        steps = self.steps
        ends = f", steps {steps[0]} to {steps[-1]}" if len(steps) else ""
        series = [f"{name} ({', '.join(self[name].dims)}) {one.precision}".strip() for name, one in self.series.items()]
        return {
            "status": self.status,
            "rows": f"{len(steps)} row{'s' if len(steps) != 1 else ''}{ends}",
            "series": ", ".join(series) or "no series",
        }

    def _snapshot(self) -> tuple[list[Rows], list[str]]:
        if self._found is None:
            found = self._source.parts(self.manifest)
            steps = join_steps(found[0])
            falls = np.flatnonzero(np.diff(steps) <= 0)
            if falls.size:
                after, before = steps[falls[0] + 1], steps[falls[0]]
                raise LogError(f"expected rising steps in `{self.path}`, got {after} after {before}; copy the run anew")
            self._found = found
        return self._found


def open_log(path: str | Path) -> Log:
    """The log of the run in a directory, also while it is being written; nothing is locked and nothing written.

    Args:
        path: The directory, or a file that `probes pack` made of a run.

    Raises:
        RunError: there is no run.
        LogError: its run.json, or the file, is damaged or of a newer format.

    Example:
        >>> from probes.log.manifest import write_manifest
        >>> Path("seed-0").mkdir()
        >>> write_manifest("seed-0", Manifest("seed-0", (), status="finished"))
        >>> open_log("seed-0")
        Log(seed-0: finished, 0 rows, no series)
    """
    path = Path(path).absolute()  # a script may change the directory before it reads on
    return Log(packed_run(path) if path.is_file() else run_folder(path))
