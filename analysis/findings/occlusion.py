"""Which cells of the image each run's call rests on, from outputs of images with a cell covered."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from scipy import stats

from probes.analysis.intervals import ENDS
from probes.analysis.occluded import occluded
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import INK, VIEWS, WIDTH, canvas, key
from probes.analysis.plots.marks import dot, rows_named
from probes.analysis.study import Study, finding
from probes.errors import NotRecordedError

__all__ = ["COLUMNS", "draw", "occlusion", "panel"]

COLUMNS = {
    "class": "class whose samples are looked at",
    "cell": "name of the cell that is covered",
    "drop": "by how much the margin falls where it is covered, mean over samples, with Student's t interval over them",
    "null": "95th percentile of the largest mean drop over cells where the cells of every sample are permuted",
    "p_value": "share of 199 permutations, and of what was measured, whose largest drop is as large",
    "rests": "whether the run's call rests on the cell, by the rule in attrs",
    "largest": "share of samples whose margin falls most where it is covered",
    "n": "number of samples",
}

_PERMUTATIONS = 199
_LEVEL = 0.05
_RULE = (
    f"a call rests on a cell where p <= {_LEVEL}, of the largest over cells, and the interval of the drop lies above "
    "the mean over cells"
)
_RUNS, _CELLS = 24, 36  # that a figure shows


@finding
def occlusion(study: Study) -> pd.DataFrame:
    """Return one row per (run, class, cell): by how much the class's margin falls where the cell is covered.

    Args:
        study: A study, logs, or a path, whose runs have outputs `occluded`; how to store them says
            `probes.analysis.occluded.occluded`.

    Raises:
        NotRecordedError: no run has stored such outputs.
        LogError: they are not of every sample with every cell, or no class has eight samples.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> occlusion(Study(example_study()))
        Traceback (most recent call last):
        probes.errors.NotRecordedError: expected outputs `occluded`, got none; store those of every sample with each...
    """
    known = study.once(occluded)
    rows = [
        (log.label, log.manifest.role, log.manifest.variant, class_, *row)
        for log in study.usable
        if log.label in known.drops
        for class_ in known.classes
        for row in _cells(known.drops[log.label][known.labels == class_], known.cells)
    ]
    columns = ["cell", "drop", "low", "high", "null", "p_value", "rests", "largest", "n"]
    table = pd.DataFrame(rows, columns=["run", "role", "variant", "class", *columns])
    table.attrs["rule"] = _RULE

    return table


def _cells(drops: NDArray[np.float64], cells: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of one run and class, cell by cell, from drops ``(sample, cell)``."""
    count, means = len(drops), drops.mean(axis=0)
    draw = np.random.default_rng(0)
    null = np.array([draw.permuted(drops, axis=1).mean(axis=0).max() for _ in range(_PERMUTATIONS)])
    reach = stats.t.ppf(ENDS[1], count - 1) * drops.std(axis=0, ddof=1) / np.sqrt(count)
    top = np.bincount(drops.argmax(axis=1), minlength=len(cells)) / count
    bound = float(np.quantile(null, 0.95))
    for place, cell in enumerate(cells):
        value = float(means[place])
        p = float((1 + np.sum(null >= value - 1e-12)) / (1 + _PERMUTATIONS))
        low, high = value - reach[place], value + reach[place]
        yield cell, value, low, high, bound, p, bool(p <= _LEVEL and low > means.mean()), top[place], count


def panel(study: Study) -> Panel | None:
    """Return the panel of which cells calls rest on; None where no run has recorded it."""
    try:
        table = occlusion(study)
    except NotRecordedError:
        return None
    runs, cells = (table[name].drop_duplicates().tolist() for name in ("run", "cell"))
    shown = table[table["run"].isin(runs[:_RUNS]) & table["cell"].isin(cells[:_CELLS])]

    figure, (ax,) = canvas(WIDTH, 1.2 + 0.25 * min(len(runs), _RUNS))
    draw(shown, ax)
    key(
        ax, [(_square(VIEWS[0]), "margin falls"), (_square(VIEWS[1]), "margin rises"), (_square("none"), "rests on it")]
    )
    caption = (
        "By how much margins fall where a cell of the image is covered, mean over classes: the area of a square; "
        f"framed where the call rests on the cell in most classes. {_said(table)} {_RULE[0].upper()}{_RULE[1:]}."
        f"{study.once(occluded).one.stated}"
    )
    return Panel("occlusion", "Which cells of the image a call rests on", caption, table, figure)


def _square(colour: str) -> Line2D:
    mark = dot(colour, size=7)
    mark.set(marker="s", markeredgecolor=INK, markeredgewidth=1.2 if colour == "none" else 0)

    return mark


def draw(table: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with a square for every run and cell, of an area that is the mean drop over classes.

    Args:
        table: Rows of `occlusion`.
        ax: Where to draw.
    """
    means = table.groupby(["run", "cell"], sort=False).agg(drop=("drop", "mean"), rests=("rests", "mean")).reset_index()
    runs, cells = (means[name].drop_duplicates().tolist() for name in ("run", "cell"))
    places = [cells.index(one) for one in means["cell"]], [runs.index(one) for one in means["run"]]
    sizes = 150 * means["drop"].abs() / max(float(means["drop"].abs().max()), 1e-12)
    ax.scatter(
        *places,
        s=sizes,
        marker="s",
        c=[VIEWS[0] if drop > 0 else VIEWS[1] for drop in means["drop"]],
        edgecolors=[INK if rests > 0.5 else "none" for rests in means["rests"]],
        linewidths=1.2,
    )

    rows_named(ax, runs, fontsize=7)
    ax.set_xticks(range(len(cells)), cells, fontsize=7, rotation=90 if max(map(len, cells)) > 3 else 0)
    ax.set(xlabel="cell", xlim=(-0.6, len(cells) - 0.4))
    ax.tick_params(length=0)
    return ax


def _said(table: pd.DataFrame) -> str:
    """Say on how many cells calls rest, and how often the same cell costs most."""
    count = table.groupby(["run", "class"], sort=False)["rests"].sum()
    top = table.groupby(["run", "class"], sort=False)["largest"].max()

    return (
        f"A call rests on {count.mean():.3g} of {table['cell'].nunique()} cells, mean over {len(count)} runs and "
        f"classes ({(count == 0).mean():.0%} rest on none); one cell costs most in {top.mean():.0%} of a class's "
        f"samples, by chance in {1 / table['cell'].nunique():.0%}."
    )
