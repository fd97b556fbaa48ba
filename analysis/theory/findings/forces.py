"""What moved each feature: the labels, or the teacher; step by step, added up, and as a share of the final strength."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from probes.analysis.intervals import bootstrapped
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import INK, MUTED, VIEWS, WIDTH, broken, canvas, key, stroke
from probes.analysis.plots.marks import thin_lines
from probes.analysis.study import Study, finding
from probes.analysis.taps.passes import BLOCK_BYTES
from probes.analysis.theory.findings.growth import growth
from probes.analysis.theory.recipe import correlation_series
from probes.analysis.theory.roles import kind_name, race_learned
from probes.errors import LogError
from probes.log.protocol import LogLike

__all__ = ["COLUMNS", "FORCES", "draw", "draw_beside", "force_shares", "forces", "panel"]

FORCES = "forces"

COLUMNS = {
    "term": "part of the objective: cross_entropy or distillation",
    "force": "what the term adds to the strength in the coming update",
    "cumulative": "what the term has added to the strength up to this step",
    "added": "what the term added to the strength in all",
    "share": "added over what all terms added",
    "gained": "strength at the last step less strength at the first",
    "residual": "gained less what all terms added",
    "learned": "whether the feature was learned",
}

_DIMS = ("term", "class", "view")
_KEY = ["run", "class", "view"]
_FORCES = ("run", "role", "variant", "step", "term", "class", "view", "force", "cumulative")
_SHARES = (
    *("run", "role", "variant", "class", "view"),
    *("term", "added", "share", "gained", "residual", "learned", "rule"),
)
_RULE = (
    "share: what a term added over all steps, over what all terms added; gained: strength at the last step less that "
    "at the first; residual: gained less what all terms added (neurons that cross 0, steps that were not recorded); {}"
)
_COLOURS = (VIEWS[0], VIEWS[1], INK)
# Steps that a line is drawn with.
_POINTS = 200


@finding
def forces(study: Study, *, every: int | None = None) -> pd.DataFrame:
    """Return one row per (run, step, term, class, view): what the term adds in the coming update, and the sum so far.

    `cumulative` is what the term has added up to the step, 0 at the first. Where steps were left out in recording, an
    update stands for all until the next recorded one. Runs without the series "forces", those without a teacher, give
    no row.

    Args:
        study: A study of the theory, logs, or a path.
        every: Give every so many-th recorded step and the last; by default as many as give about 200 steps a run. Sums
            are over all recorded ones.

    Raises:
        LogError: a series "forces" has other axes than (term, class, view), or two runs have the same name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> list(forces(example_study()[-1]).columns[3:])
        ['step', 'term', 'class', 'view', 'force', 'cumulative']
    """
    stride = every or max(1, max((len(log.steps) for log in study.usable), default=0) // _POINTS)
    tables = [_forces(log, stride) for log in study.usable if FORCES in log.series]

    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(_FORCES))


@finding
def force_shares(study: Study) -> pd.DataFrame:
    """Return one row per (run, class, view, term): what the term added in all, and its share of what all terms added.

    The sums reproduce what the strength gained but for `residual`, mostly neurons that cross zero. A share lies outside
    [0, 1] where terms worked against each other.

    Args:
        study: A study of the theory, logs, or a path; runs without the series "forces" give no row.

    Raises:
        LogError: as `forces`, or a log has no series (class, neuron, feature_class, view).

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> len(force_shares(example_study()[-1]))
        0
    """
    known = race_learned(study)
    moved = [log for log in study.usable if FORCES in log.series]
    tables = [_shares(log, known[known["run"] == log.label]) for log in moved]

    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    table = table.reindex(columns=list(_SHARES))
    table.attrs["rule"] = _RULE.format(study.rule)
    return table


def panel(study: Study) -> Panel | None:
    """Return the panel of what labels and teacher added to the features that a student misses and a teacher had."""
    shares = force_shares(study)
    if not len(shares):
        return None

    grown = growth(study)
    missing = grown[~grown["own"].astype(bool) & grown["taught"].astype(bool)]
    drawn = forces(study).merge(missing[_KEY], on=_KEY)
    kinds = {kind_name(*kind): rows for kind, rows in _kinds(drawn)}
    caption = (
        "What labels and teacher have added to features that a run's own initialisation does not win and a teacher had "
        f"learned. Thin: one feature of one run; bold: their median. {_taught(shares.merge(missing[_KEY], on=_KEY))} "
        f"Sums of both reproduce what each strength gained to {_residual(shares):.1g} of it at worst."
    )
    return Panel("forces", "What moved each feature", caption, shares, draw_beside(kinds) if kinds else None)


def draw(frame: pd.DataFrame, ax: Axes, *, title: str = "", named: bool = True) -> Axes:
    """Return the axes with what each term has added so far: thin, one feature of one run; bold, their median.

    Args:
        frame: Table of `forces`, of runs of one kind and the features that matter.
        ax: Where to draw.
        title: What kind of features these are.
        named: Whether to name the lines.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> draw(forces(example_study()), canvas(4, 3)[1][0]).get_xlabel()
        'step'
    """
    ax.axhline(0, color=MUTED, linewidth=0.7)
    for colour, (_, rows) in zip(_COLOURS, frame.groupby("term", observed=True), strict=False):
        wide = rows.pivot_table(index="step", columns=_KEY, values="cumulative", observed=True)
        thin_lines(ax, wide, colour, alpha=0.35)

    ax.set(xlabel="step", ylabel="added to a feature's strength")
    ax.set_title(title, fontsize=8.5)
    ax.margins(x=0)
    if named:
        key(ax, _names(frame))
    return ax


def draw_beside(kinds: Mapping[str, pd.DataFrame]) -> Figure:
    """Return a figure with one panel for each kind of run.

    Args:
        kinds: Tables of `forces` by what to call them.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> len(draw_beside({"distilled": forces(example_study())}).axes)
        1
    """
    figure, axes = canvas(min(WIDTH, 2.4 * len(kinds) + 0.6), 2.9, columns=len(kinds))

    for ax, (title, frame) in zip(axes, kinds.items(), strict=True):
        draw(frame, ax, title=broken(title), named=False)
        if ax is not axes[0]:
            ax.set_ylabel("")
    key(figure, _names(next(iter(kinds.values()))))
    return figure


def _names(frame: pd.DataFrame) -> Sequence[tuple[Line2D, str]]:
    terms = [str(term).replace("_", "-") for term, _ in frame.groupby("term", observed=True)]

    return [(stroke(colour, 2.2), term) for colour, term in zip(_COLOURS, terms, strict=False)]


def _taught(shares: pd.DataFrame) -> str:
    """Describe what share of the strength of learned features came from the teacher, kind by kind."""
    rows = shares[(shares["term"] == "distillation") & shares["learned"].astype(bool)]
    if not len(rows):
        return "None of them was learned."
    listed = [f"{kind_name(*kind)} {_middle(part)}" for kind, part in _kinds(rows)]

    return (
        f"Of what was added to those that were learned, the teacher gave: {'; '.join(listed)} (median over runs, 95 % "
        "by bootstrap over runs; above 100 % where the labels held a feature back)."
    )


def _kinds(table: pd.DataFrame) -> Iterable[tuple[Any, pd.DataFrame]]:
    return table.groupby(["role", "variant"], observed=True)


def _middle(rows: pd.DataFrame) -> str:
    found = bootstrapped(rows.groupby("run", observed=True)["share"].median(), np.median)

    return f"{found.value:.0%} ({found.reach('.0%')}, {found.n} run{'s' * (found.n > 1)})"


def _residual(shares: pd.DataFrame) -> float:
    """Return the largest residual over what was gained, among features that were learned."""
    known = shares[shares["learned"].astype(bool)]

    return float((known["residual"] / known["gained"]).abs().max())


def _terms(log: LogLike) -> tuple[str, ...]:
    series = log.series[FORCES]
    if series.dims != _DIMS:
        raise LogError(
            f"run `{log.label}`: expected series `{FORCES}` with axes ({', '.join(_DIMS)}), got "
            f"({', '.join(series.dims)}); give a series of other axes another name"
        )
    return series.labels.get("term") or tuple(map(str, range(series.shape[0])))


def _sums(log: LogLike, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return forces and what they have added before, at chosen rows, rising: both ``(step, term, class, view)``."""
    series, updates = log.series[FORCES], np.diff(log.steps, append=0)
    read, place, added = [], 0, np.zeros((1, *series.shape))

    for steps, block in log[FORCES].blocks(max(1, BLOCK_BYTES // series.row_bytes)):
        force, stop = block.astype(float), place + len(steps)
        moved = force * updates[place:stop].reshape(-1, 1, 1, 1)
        sums = np.cumsum(np.concatenate([added, moved]), axis=0)
        inside = rows[(rows >= place) & (rows < stop)] - place
        read.append((force[inside], sums[inside]))
        place, added = stop, sums[-1:]
    force, sums = (np.concatenate(parts) for parts in zip(*read, strict=True))
    return force, sums


def _forces(log: LogLike, every: int) -> pd.DataFrame:
    terms, rows = _terms(log), np.arange(len(log.steps))
    rows = rows[(rows % every == 0) | (rows == len(rows) - 1)]
    force, added = _sums(log, rows)
    step, term, class_, view = np.indices(force.shape)

    table = pd.DataFrame({
        "run": log.label,
        "role": log.manifest.role,
        "variant": log.manifest.variant,
        "step": log.steps[rows][step.ravel()],
        "term": pd.Categorical(np.array(terms)[term.ravel()], categories=list(terms)),
        "class": class_.ravel(),
        "view": view.ravel(),
        "force": force.ravel(),
        "cumulative": added.ravel(),
    })
    return table[list(_FORCES)]


def _shares(log: LogLike, known: pd.DataFrame) -> pd.DataFrame:
    terms, added = _terms(log), _sums(log, np.array([len(log.steps) - 1]))[1][-1]
    first, last = (_strength(log, row) for row in (0, len(log.steps) - 1))
    total = added.sum(axis=0)
    gained = last - first
    with np.errstate(divide="ignore", invalid="ignore"):
        share = added / total

    who = known.astype({"run": object, "role": object, "variant": object})
    tables = [
        who.assign(
            term=term,
            gained=gained.ravel(),
            added=added[place].ravel(),
            share=share[place].ravel(),
            residual=(gained - total).ravel(),
        )
        for place, term in enumerate(terms)
    ]
    return pd.concat(tables).sort_values(_KEY, kind="stable")


def _strength(log: LogLike, row: int) -> np.ndarray:
    """Return the strengths of own features at a recorded row, ``(class, view)``."""
    values = np.asarray(log[correlation_series(log).name][row], dtype=float)
    classes = np.arange(len(values))

    return np.asarray(np.maximum(values[classes, :, classes], 0).sum(axis=1))
