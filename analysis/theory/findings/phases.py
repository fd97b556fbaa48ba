"""The three phases of a run, found from its log: race, growth, memorisation; whether the last brings new features."""

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from probes.analysis.findings.timing import settled
from probes.analysis.intervals import rate
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import GOOD, INK, MUTED, VIEWS, WIDTH, canvas, key
from probes.analysis.plots.marks import rows_named
from probes.analysis.study import Study, finding
from probes.analysis.theory.findings.timing import timing
from probes.analysis.theory.measurement import Measurement
from probes.analysis.theory.recipe import correlation_series, single_view_share
from probes.analysis.theory.roles import WHO
from probes.log.protocol import LogLike

__all__ = ["CLAIMS", "COLUMNS", "PHASES", "draw", "late_features", "panel", "phase_of", "phases"]

PHASES = ("race", "growth", "memorisation")

COLUMNS = {
    "race_end": "step at which the first class's winner is learned for good: phase I ends",
    "race_over": "step by which every class has a view that is learned for good",
    "growth_end": "step from which on the training loss is at most mu log k: phase II ends",
    "last_step": "last step recorded",
    "new_features": "features learned for good after growth_end",
    "missing": "features not yet learned at growth_end",
    "low": "lower end of the 95 % interval (Wilson) of their share that was learned",
    "high": "upper end of the 95 % interval",
    "null": "number of new features if crossings were spread evenly over the steps",
}

_STEPS = ("race_end", "race_over", "growth_end")
_TABLE = (*WHO, *COLUMNS, "rule")
_COLOURS = dict(zip(PHASES, (MUTED, VIEWS[0], GOOD), strict=True))
_RULE = (
    "I, race: until the first class's winner crosses (race_end; every class has one by race_over); II, growth: until "
    "the training loss stays at or below mu log k (growth_end), the loss of single-view samples at chance when "
    "multi-view samples cost nothing; III, memorisation: after; null of new_features: if crossings were spread evenly "
    "over the steps; {}"
)


@finding
def phases(study: Study, *, every: int | None = None) -> pd.DataFrame:
    r"""Return one row per run: where phases I, II and III end, and how many features were new in phase III.

    I ends at `race_end`, when the first class's winner is learned for good; by `race_over` every class has one. II ends
    at `growth_end`, when the training loss falls to :math:`\mu \log k` for good. It is what single-view data, a share
    :math:`\mu` of all, costs at chance: what is left of the loss can then be theirs alone. Of the features that were
    not yet learned at `growth_end`, `missing`, the theory lets a network without a teacher learn none in phase III:
    `new_features` counts those that it did, and `low` and `high` are Wilson's interval of their share.

    Args:
        study: A study of the theory, logs, or a path.
        every: Look at every so many-th recorded step, 1 for all; by default at about 200 steps a run.

    Raises:
        LogError: a log has no series (class, neuron, feature_class, view), or two runs have the same name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> phases(example_study()[-1], every=1)[["race_end", "race_over", "growth_end", "last_step"]]
           race_end  race_over  growth_end  last_step
        0        14         24          35        400
    """
    crossings = timing(study, every=every)
    table = pd.DataFrame([_run(log, crossings[crossings["run"] == log.label]) for log in study.usable])

    table = table.reindex(columns=list(_TABLE)).astype(dict.fromkeys(_STEPS, "Int64")).assign(rule=str(study.rule))
    table.attrs["rule"] = _RULE.format(study.rule)
    return table


def phase_of(steps: np.ndarray, race_end: float, growth_end: float) -> np.ndarray:
    """Return the phase of each step; a phase whose end is not known (NaN) lasts to the last step.

    Example:
        >>> phase_of(np.array([0, 10, 20, 30]), 10, 25).tolist()
        ['race', 'growth', 'growth', 'memorisation']
    """
    return np.select([steps >= growth_end, steps >= race_end], [PHASES[2], PHASES[1]], PHASES[0])


def late_features(study: Study) -> str:
    """Return in one sentence how many features runs without a teacher learned in phase III.

    Example:
        >>> late_features(Study([]))
        'No run without a teacher has reached phase III with a feature missing.'
    """
    table = phases(study)
    table = table[table["run"].isin([log.label for log in study.usable if not log.manifest.parents])]
    late, missing = int(table["new_features"].sum()), int(table["missing"].sum())
    if not missing:
        return "No run without a teacher has reached phase III with a feature missing."
    found = rate(late, missing)

    return (
        f"In phase III runs without a teacher learned {late} of their {missing} missing features ({found.low:.1%} to "
        f"{found.high:.1%}, Wilson; {table['null'].sum():.1f}, were all crossings spread evenly over the steps)."
    )


def panel(study: Study) -> Panel | None:
    """Return the panel of when features are learned, within the phases of each run; None where none is learned."""
    table, found = timing(study), phases(study)
    if not table["crossing"].notna().any():
        return None

    figure, axes = canvas(WIDTH, 1.0 + 0.25 * len(found))
    draw(found, axes[0], crossings=table)
    caption = (
        "Race: no view is learned yet. Growth: until the training loss stays at or below μ log k, what single-view "
        f"data costs at chance. Memorisation: after. {late_features(study)}"
    )
    return Panel("timing", "When features are learned", caption, table, figure)


def draw(table: pd.DataFrame, ax: Axes, *, crossings: pd.DataFrame | None = None) -> Axes:
    """Return the axes with one bar a run, coloured by phase, and a tick for every feature that is learned for good.

    Args:
        table: Table of `phases`.
        ax: Where to draw.
        crossings: Table of `timing`, for the ticks.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> len(draw(phases(example_study()), canvas(6, 3)[1][0]).get_yticks())
        9
    """
    ends = table[["race_end", "growth_end", "last_step"]].astype(float).to_numpy()
    for row, run in enumerate(table["run"]):
        _bar(ax, row, ends[row])
        if crossings is not None:
            steps = crossings.loc[crossings["run"] == run, "crossing"].dropna().astype(float)
            ax.plot(steps, [row] * len(steps), "|", color=INK, markersize=9, markeredgewidth=0.9)

    rows_named(ax, list(table["run"]))
    ax.set_xlabel("step")
    ax.margins(x=0.01)
    tick = Line2D([], [], linestyle="none", marker="|", color=INK, markersize=9)
    patches = [(Patch(color=colour, alpha=0.45, linewidth=0), phase) for phase, colour in _COLOURS.items()]
    key(ax, [*patches, (tick, "a feature is learned")])
    return ax


def _bar(ax: Axes, row: int, ends: np.ndarray) -> None:
    """Draw the phases; one whose end is not known, or does not come after the one before, reaches to the next."""
    start = 0.0
    for place, colour in enumerate(_COLOURS.values()):
        known = ends[place:][np.isfinite(ends[place:])]
        end = max(start, float(known[0]))
        ax.barh(row, end - start, left=start, height=0.62, color=colour, alpha=0.45, linewidth=0)
        start = end


def _run(log: LogLike, crossings: pd.DataFrame) -> dict[str, object]:
    crossing = crossings["crossing"].astype(float)
    wins = crossing.groupby(crossings["class"]).min()
    end, steps = _growth_end(log), log.steps
    # Features that crossed between two steps looked at, with the end of phase II in between, are given to phase II.
    late = int((crossings["crossing_after"].astype(float) >= end)[crossing.notna()].sum())
    missing = late + int(crossing.isna().sum()) if math.isfinite(end) else 0
    share = rate(late, missing) if missing else None
    span = max(1, int(steps[-1] - steps[0]))

    return {
        "run": log.label,
        "role": log.manifest.role,
        "variant": log.manifest.variant,
        "race_end": wins.min(),
        "race_over": wins.max() if wins.notna().all() else math.nan,
        "growth_end": end,
        "last_step": int(steps[-1]),
        "new_features": late,
        "missing": missing,
        "low": share.low if share else math.nan,
        "high": share.high if share else math.nan,
        "null": (crossing > steps[0]).sum() * (steps[-1] - end) / span,
    }


def _growth_end(log: LogLike) -> float:
    """Return the step from which on the loss is at most mu log k; NaN where there is none, or no loss was logged."""
    scalars, share = log.scalars(), single_view_share(log)
    if share is None or "loss" not in scalars:
        return math.nan
    loss = scalars["loss"].dropna()
    least = share * math.log(correlation_series(log).shape[0])

    return float(settled(loss.index.to_numpy(), (loss <= least).to_numpy())[1]) if len(loss) else math.nan


def _no_new_features(study: Study) -> Iterator[Measurement]:
    table = phases(study)
    table = table[(table["role"] == "single") & (table["missing"] > 0)]
    if len(table):
        note = (
            f"share of the features not learned when phase II ended that {len(table)} runs learned in phase III; "
            f"{table['null'].sum():.1f} in all if crossings were spread evenly; n: features; interval: Wilson"
        )
        yield Measurement(rate(int(table["new_features"].sum()), int(table["missing"].sum())), note)


CLAIMS: Mapping[str, Callable[[Study], Iterator[Measurement]]] = {"memorisation.new_features": _no_new_features}
