"""Whether runs rest on different cells of the same images, and which: views without an image that shows one alone."""

from functools import lru_cache

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from probes.analysis.factors.factor import factor, gram, reliability, share
from probes.analysis.factors.gaussian import gaussian_drops
from probes.analysis.factors.sizes import Sizes, flat, sizes
from probes.analysis.occluded import Occluded, occluded
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import INK, MUTED, VIEWS, WIDTH, canvas, key
from probes.analysis.plots.marks import dot, intervals, rows_named
from probes.analysis.sample_sets import OCCLUDED, sample_sets
from probes.analysis.study import Study, finding
from probes.errors import LogError

__all__ = ["COLUMNS", "draw", "draw_preferences", "occlusion_preferences", "occlusion_views", "panel"]

COLUMNS = {
    "class": "class whose samples are looked at",
    "found": "whether runs differ in the cells that they rest on, by the rule in attrs",
    "share": "share of what members' drops differ in that lies in one factor",
    "reliability": "correlation of the samples' cells along that factor that two halves of the members give, its size",
    "p_value": "share of 199 permutations of each run's samples, and of what was measured, with as large a `share`",
    "members": "number of runs without parents that it rests on",
    "n": "number of samples",
    "preference": "weight of the run in its class's factor: runs of one sign rest on the same cells",
}

_LEVEL = 0.05
_LEAST_RUNS, _LEAST_FOR_HALVES = 3, 6
_MOST_SAMPLES, _MOST_CELLS, _CLASSES = 150, 20, 10  # of the Gaussian reference
_SIZES = ("share", "reliability")
_RULE = (
    f"runs differ in the cells they rest on where p <= {_LEVEL} and the interval of reliability (of fewer than "
    f"{_LEAST_FOR_HALVES} runs: of share) lies above the largest of {_CLASSES} Gaussian classes"
)
_ROWS, _RUNS = 24, 24  # that a figure shows


@finding
def occlusion_views(study: Study) -> pd.DataFrame:
    """Return one row per class: how much members differ in the cells of the image that they rest on.

    The drops of every run and sample are put to norm 1, so that it counts where they fall and not how far; then they
    are factored over runs as margins are by `views`. Images that show several views at once suffice.

    Args:
        study: A study, logs, or a path.

    Raises:
        NotRecordedError: no run has stored outputs `occluded`.
        LogError: fewer than three members have, or as `occlusion`.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> occlusion_views(Study(example_study()))
        Traceback (most recent call last):
        probes.errors.NotRecordedError: expected outputs `occluded`, got none; store those of every sample with each...
    """
    known = study.once(occluded)
    rows = []
    for class_ in known.classes:
        drops = _normed(study, known, class_)
        found, reference = sizes(drops), _gaussian(len(drops), min(drops.shape[1], _MOST_SAMPLES), len(known.cells))
        each = [(*getattr(found, name), reference[name]) for name in _SIZES]
        rows.append((class_, _found(found, reference, len(drops)), *each[0], *each[1], found.p_value, *drops.shape[:2]))
    sized = [f"{name}{what}" for name in _SIZES for what in ("", "_low", "_high", "_shuffled", "_gaussian")]
    table = pd.DataFrame(rows, columns=["class", "found", *sized, "p_value", "members", "n"])
    table.attrs["rule"] = _RULE

    return table


@finding
def occlusion_preferences(study: Study) -> pd.DataFrame:
    """Return one row per (member, class): which of two kinds of cells it rests on, as its weight in the factor.

    Args:
        study: A study, logs, or a path.

    Raises:
        NotRecordedError: no run has stored outputs `occluded`.
        LogError: as `occlusion_views`.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> occlusion_preferences(Study(example_study()))
        Traceback (most recent call last):
        probes.errors.NotRecordedError: expected outputs `occluded`, got none; store those of every sample with each...
    """
    known, table = study.once(occluded), occlusion_views(study)
    runs = [log.label for log in study.members if log.label in known.drops]
    parts = [
        pd.DataFrame({
            "run": runs,
            "class": row["class"],
            "preference": factor(flat(_normed(study, known, row["class"]))).runs,
            "found": row["found"],
        })
        for _, row in table.iterrows()
    ]
    found = pd.concat(parts, ignore_index=True)
    found.attrs["rule"] = _RULE

    return found


def _normed(study: Study, known: Occluded, class_: int) -> NDArray[np.float64]:
    """Return the members' drops on the samples of a class, ``(run, sample, cell)``, each of norm 1."""
    logs = [log for log in study.members if log.label in known.drops]
    if len(logs) < _LEAST_RUNS:
        raise LogError(
            f"expected outputs `occluded` of {_LEAST_RUNS} or more members, runs without parents, got {len(logs)}; "
            "record more runs"
        )
    drops = np.stack([known.drops[log.label][known.labels == class_] for log in logs])

    return _unit(drops)


def _unit(drops: NDArray[np.float64]) -> NDArray[np.float64]:
    norms = np.linalg.norm(drops, axis=-1, keepdims=True)

    return np.asarray(np.divide(drops, norms, out=np.zeros_like(drops), where=norms > 0))


@lru_cache(maxsize=32)
def _gaussian(runs: int, samples: int, cells: int) -> dict[str, float]:
    """Return the largest sizes over the classes of a Gaussian study."""
    drops, labels = gaussian_drops(runs, _CLASSES, samples, min(cells, _MOST_CELLS))
    products = np.stack([gram(flat(_unit(drops[:, labels == class_]))) for class_ in range(_CLASSES)])

    return {"share": float(share(products).max()), "reliability": float(reliability(products).max())}


def _found(found: Sizes, reference: dict[str, float], runs: int) -> bool:
    name = "reliability" if runs >= _LEAST_FOR_HALVES else "share"

    return bool(found.p_value <= _LEVEL and getattr(found, name).low > reference[name])


def panel(study: Study) -> Panel | None:
    """Return the panel of whether runs rest on different cells; None where no run has recorded it."""
    if OCCLUDED not in sample_sets(study):
        return None
    table, preferred = occlusion_views(study), occlusion_preferences(study)
    shown = table.iloc[:_ROWS]
    size = "reliability" if table["members"].max() >= _LEAST_FOR_HALVES else "share"

    figure, axes = canvas(WIDTH, 1.2 + 0.22 * len(shown), columns=2, sharey=True, width_ratios=(1, 1.3))
    draw(shown, axes[0], size=size)
    draw_preferences(preferred, axes[1], shown["class"].tolist())
    references = [
        (Line2D([], [], linestyle="none", marker="|", color=MUTED, markersize=9), "Gaussian classes"),
        (Line2D([], [], linestyle="none", marker="x", color=MUTED, markersize=4), "runs' samples shuffled"),
    ]
    sides = [(dot(VIEWS[0]), "one kind of cells"), (dot(VIEWS[1]), "the other")]
    key(figure, [(dot(INK), "different cells"), (dot(MUTED), "not found"), *references, *sides], columns=3)
    caption = (
        f"How alike two halves of {table['members'].max()} members see which cells runs differ in (or the share of the "
        "factor, of few), with 95 % intervals over samples, and what each run prefers, by area, where it is found. In "
        f"{table['found'].sum()} of {len(table)} classes runs rest on different cells. {_RULE[0].upper()}{_RULE[1:]}."
        f"{study.once(occluded).one.stated}"
    )
    return Panel("occlusion_views", "Whether runs rest on different cells of the same images", caption, table, figure)


def draw(table: pd.DataFrame, ax: Axes, *, size: str) -> Axes:
    """Return the axes with a row for each class: one size with its interval, beside both references.

    Args:
        table: Rows of `occlusion_views`.
        ax: Where to draw.
        size: share or reliability.
    """
    for row, found in enumerate(table["found"]):
        one = table.iloc[[row]].rename(columns={f"{size}_low": "low", f"{size}_high": "high"})
        intervals(ax, one, [row], value=size, colour=INK if found else MUTED, size=4.5)
    places = range(len(table))
    ax.plot(table[f"{size}_gaussian"], places, "|", color=MUTED, markersize=9, markeredgewidth=1.6)
    ax.plot(table[f"{size}_shuffled"], places, "x", color=MUTED, markersize=4)

    rows_named(ax, [f"class {one}" for one in table["class"]], fontsize=7)
    ax.set(xlabel="two halves of the runs agree" if size == "reliability" else "share of one factor", xlim=(0, 1))
    return ax


def draw_preferences(table: pd.DataFrame, ax: Axes, classes: list[int]) -> Axes:
    """Return the axes with a square for each class and run where runs differ: its area how much the run prefers.

    Args:
        table: Rows of `occlusion_preferences`.
        ax: Where to draw.
        classes: In the order of the rows.
    """
    runs = table["run"].drop_duplicates().tolist()[:_RUNS]
    shown = table[table["found"] & table["run"].isin(runs) & table["class"].isin(classes)]
    places = [runs.index(run) for run in shown["run"]], [classes.index(one) for one in shown["class"]]
    areas = 70 * shown["preference"].abs() / max(float(table["preference"].abs().max()), 1e-12)
    colours = [VIEWS[0] if one > 0 else VIEWS[1] for one in shown["preference"]]
    ax.scatter(*places, s=areas, c=colours, marker="s", linewidth=0)

    ax.set_xticks(range(len(runs)), runs, rotation=90, fontsize=7)
    ax.set_xlim(-0.6, len(runs) - 0.4)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return ax
