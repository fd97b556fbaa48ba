"""What was measured beside the taps: every series, drawn by its shape."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd
from matplotlib.axes import Axes

from probes.analysis.findings.recorded import axis_column, tidy
from probes.analysis.findings.scalars import draw
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import GOOD, VIEWS, WIDTH, canvas, key, stroke
from probes.analysis.plots.shapes import cells_named, entries, spectra, wide
from probes.analysis.study import Study, finding
from probes.errors import LogError
from probes.log.layout import Series
from probes.log.protocol import LogLike

__all__ = ["COLUMNS", "panel", "quantities"]

COLUMNS = {
    "series": "name of what was measured",
    "step": "number of completed optimizer updates",
    "value": "the number",
}

_MOST_ROWS = 600_000  # of the table
_FEWEST, _MOST = 400, 6_000  # values of a series of a run, which has fewer the more there are
_ACROSS, _ROWS, _HEIGHT = 3, 10, 1.75  # drawings in a row, rows of a figure, inches of a row
_NAMED, _LINES = 8, 12  # entries that have a line each, with names and without
_MEASURE = "measure"  # the axis whose entries are quantities of their own, each with a scale of its own
_RANKS = frozenset({"rank", "singular"})
# Quantities that findings of their own show.
_SHOWN_ELSEWHERE = frozenset({"cartography", "first_learned", "forgetting_events", "neural_collapse", "rank"})


@finding
def quantities(study: Study) -> pd.DataFrame:
    """Return one row per (run, series, step, entry) of what was recorded beside the taps, their nulls and their norms.

    Each axis of a series is a column, under the names that its entries were given; empty for series without it. Steps
    are those of each series. A series of very many values has fewer steps here, evenly spread with both ends, or fewer
    entries; ``attrs["thinned"]`` has which, in words, by series.

    Args:
        study: A study, logs, or a path.

    Raises:
        LogError: no run has recorded any.

    Example:
        >>> from probes.log import Manifest, memory_log
        >>> series = Series("accuracy", (), ())
        >>> quantities(memory_log(Manifest("a", (series,)), [0, 5], {"accuracy": [0.25, 0.5]}))
          run    series  step  value
        0   a  accuracy     0   0.25
        1   a  accuracy     5   0.50
    """
    known = recorded(study)
    if not known:
        raise LogError(
            "expected series beside taps, got none; record some by `probes.Recorder(path, taps, quantities=[...])`, "
            "such as `probes.quantities.spectrum(name)`"
        )
    pairs = [(name, log) for name, logs in known.items() for log in logs]
    most = min(_MOST, max(_FEWEST, _MOST_ROWS // len(pairs)))
    tables = []
    thinned: dict[str, str] = {}
    for name, log in pairs:
        table = tidy(log, name, most=most)
        left_out = table.attrs.pop("thinned")
        thinned |= {name: left_out} if left_out else {}
        tables.append(table.assign(run=log.label, series=name))

    found = _joined(tables)
    found.attrs["thinned"] = thinned
    return found


def recorded(study: Study) -> Mapping[str, Sequence[LogLike]]:
    """Return the series that are neither taps nor nulls or norms of taps, each with the runs that have rows of it.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> recorded(Study(example_study()[:1]))
        {}
    """
    taps = {*study.taps, *study.conflicts}
    shown = taps | {f"{tap}.{part}" for tap in taps for part in ("null", "norm")}
    found: dict[str, list[LogLike]] = {}
    for log in study.usable:
        for name in log.series:
            if name not in shown and len(log[name].steps):
                found.setdefault(name, []).append(log)

    return found


@dataclass(frozen=True)
class _Drawing:
    """A series, or one entry of its axis of measures, as cells of the figure; several begin a row of their own."""

    title: str
    cells: Sequence[tuple[str, Callable[[Axes], Axes]]]  # with what is written above


def panel(study: Study) -> Panel | None:
    """Return the panel of all series that no other finding shows, each drawn by its shape; None where there is none."""
    names = [name for name, logs in recorded(study).items() if logs[0].series[name].quantity not in _SHOWN_ELSEWHERE]
    if not names:
        return None
    table = quantities(study)
    thinned = "; ".join(f"{name}: {what}" for name, what in table.attrs["thinned"].items() if name in names)
    table = table[table["series"].isin(names)]
    table = table.drop(columns=[name for name in table if name not in COLUMNS and table[name].isna().all()])
    drawings = [one for name in names for one in _drawings(study, name, table[table["series"] == name])]
    shown, left = _placed(drawings)

    rows = math.ceil(len(shown) / _ACROSS)
    figure, axes = canvas(WIDTH, 0.4 + _HEIGHT * rows, rows=rows, columns=min(_ACROSS, len(shown)))
    for ax, cell in zip(axes, shown, strict=False):
        _fill(ax, cell)
    for ax in axes[len(shown) :]:
        ax.set_axis_off()
    if study.students:
        key(figure, [(stroke(VIEWS[0]), "runs without teachers"), (stroke(GOOD), "students")])
    caption = (
        f"{len(names)} series beside the taps, at their own steps. One thin line a run, or an entry of a run, bold "
        "their median; cells of many entries are those of one run, named above."
        + (f" Not drawn: {', '.join(dict.fromkeys(left))}." if left else "")
        + (f" Thinned: {thinned}." if thinned else "")
    )
    return Panel("quantities", "What was measured beside the taps", caption, table, figure)


def _placed(drawings: Sequence[_Drawing]) -> tuple[list[tuple[str, Callable[[Axes], Axes]] | None], list[str]]:
    """Return the cells row by row, those of several cells in rows of their own, and the titles there is no room for."""
    single = [one for one in drawings if len(one.cells) == 1]
    several = [one for one in drawings if len(one.cells) > 1]
    cells: list[tuple[str, Callable[[Axes], Axes]] | None] = []
    left = []
    for drawing in [*single, *several]:
        room = -len(cells) % _ACROSS if len(drawing.cells) > 1 else 0
        if len(cells) + room + len(drawing.cells) > _ACROSS * _ROWS:
            left.append(drawing.title)
            continue
        cells += [None] * room + list(drawing.cells)

    return cells, left


def _fill(ax: Axes, cell: tuple[str, Callable[[Axes], Axes]] | None) -> None:
    if cell is None:
        ax.set_axis_off()
        return
    title, mark = cell
    mark(ax)
    ax.set_title(title, fontsize=8, pad=3)


def _drawings(study: Study, name: str, rows: pd.DataFrame) -> Iterator[_Drawing]:
    """Yield the drawings of a series: one, or one for each of its measures."""
    series = next(log.series[name] for log in study.usable if name in log.series)
    if _MEASURE not in series.dims:
        yield _drawing(study, name, rows, series, series.dims)
        return
    for measure, part in rows.groupby(_MEASURE, sort=False):
        yield _drawing(study, f"{name}: {measure}", part, series, [dim for dim in series.dims if dim != _MEASURE])


def _drawing(study: Study, title: str, rows: pd.DataFrame, series: Series, dims: Sequence[str]) -> _Drawing:
    """Return the drawing of a series by its remaining axes."""
    axes = [axis_column(dim) for dim in dims]
    size = math.prod(series.shape[series.dims.index(dim)] for dim in dims)
    ranks = [axis for axis in axes if axis in _RANKS]
    if ranks and (series.quantity == "spectrum" or size > _LINES):
        others = [axis for axis in axes if axis != ranks[-1]]
        return _Drawing(title, [(title, partial(spectra, rows, axis=ranks[-1], others=others))])
    if len(axes) == 1 and dims[0] in series.labels and size <= _NAMED:
        return _Drawing(title, [(title, partial(entries, rows, axis=axes[0]))])
    if size <= _LINES:
        students = {log.label for log in study.students}
        return _Drawing(title, [(title, partial(draw, rows, students=students, axes=axes))])

    return _Drawing(title, _over_steps(title, rows, axes) if len(axes) == 1 else _matrices(study, title, rows, axes))


def _over_steps(title: str, rows: pd.DataFrame, axes: Sequence[str]) -> Sequence[tuple[str, Callable[[Axes], Axes]]]:
    """Return a cell for each of the first runs: entry by step."""
    found = []
    for run in rows["run"].unique()[:_ACROSS]:
        table = wide(rows[rows["run"] == run], axes[0], "step")
        found.append((f"{title}, {run}", partial(cells_named, table, x="step", y=axes[0])))

    return found


def _matrices(
    study: Study, title: str, rows: pd.DataFrame, axes: Sequence[str]
) -> Sequence[tuple[str, Callable[[Axes], Axes]]]:
    """Return the first run's values at its last step, their mean over steps, and the mean over entries of all runs."""
    first = rows[rows["run"] == rows["run"].iloc[0]]
    drawn = partial(cells_named, x=axes[-1], y=", ".join(axes[:-1]))
    last = first[first["step"] == first["step"].max()]
    over = first.groupby([*axes], sort=False, observed=True)["value"].mean().reset_index()
    means = rows.groupby(["run", "step"], sort=False)["value"].mean().reset_index()
    students = {log.label for log in study.students}
    matrices = [wide(part, axes[:-1], axes[-1]) for part in (last, over)]

    return [
        (f"{title}, {first['run'].iloc[0]}, step {last['step'].iloc[0]:,}", partial(drawn, matrices[0])),
        ("mean over steps", partial(drawn, matrices[1])),
        ("mean over entries, every run", partial(draw, means, students=students)),
    ]


def _joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the tables below each other, with the axes of all; numbers of entries stay whole beside empty cells."""
    axes = dict.fromkeys(name for table in tables for name in table if name not in {"run", *COLUMNS})
    found = pd.concat(tables, ignore_index=True)[["run", "series", "step", *axes, "value"]]

    return found.astype({axis: "Int64" for axis in axes if pd.api.types.is_numeric_dtype(found[axis])})
