"""Phase III: noise is memorised while features stand still, and training error falls without new features."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from probes.analysis.findings.features import features
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import INK, MUTED, VIEWS, WIDTH, canvas, key, stroke
from probes.analysis.plots.marks import thin_lines
from probes.analysis.rule import LearnedRule
from probes.analysis.study import Study, finding
from probes.analysis.theory.findings.phases import late_features, phase_of, phases
from probes.analysis.theory.recipe import correlation_series
from probes.analysis.theory.roles import WHO, of_singles
from probes.log.protocol import LogLike

__all__ = ["COLUMNS", "NOISE", "draw", "draw_error", "memorisation", "panel"]

NOISE = ("noise_multi_view", "noise_single_view")

COLUMNS = {
    "step": "number of completed optimizer updates; 0 is the initialisation",
    "phase": "race, growth or memorisation",
    "noise_multi_view": "memorised noise: mean over multi-view training samples",
    "noise_single_view": "memorised noise: mean over single-view training samples",
    "strength": "strength summed over all features",
    "off_strength": "null: the same sum of the largest strengths on features of other classes",
    "coverage": "share of features that count as learned at this step",
    "train_error": "share of the training set that is wrong",
}

_TABLE = (*WHO, *COLUMNS, "rule")
_RULE = (
    "noise_*: mean over training samples of the positive products of the own class's neurons with the sample's noise; "
    "strength and off_strength (null): sums over all features; coverage: share of features that count as learned; {}"
)
_LINES = (
    ("strength", INK, "features"),
    ("noise_multi_view", VIEWS[0], "noise of multi-view samples"),
    ("noise_single_view", VIEWS[1], "noise of single-view samples"),
    ("off_strength", MUTED, "other classes' features (null)"),
)


@finding
def memorisation(study: Study, *, every: int | None = None) -> pd.DataFrame:
    """Return one row per (run, step at which noise was measured): memorised noise beside the features.

    `strength` is summed over all features; `off_strength`, the null, is summed in the same way over the largest
    strengths on features of other classes, which nothing asks the neurons to learn. `phase` is that of `phases`. Runs
    without scalars `noise_multi_view` or `noise_single_view` give no row.

    Args:
        study: A study of the theory, logs, or a path.
        every: Find phases from every so many-th recorded step, 1 for all; by default from about 200 steps a run.

    Raises:
        LogError: a log has no series (class, neuron, feature_class, view), or two runs have the same name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> list(memorisation(example_study()[-1]).columns[3:7])
        ['step', 'phase', 'noise_multi_view', 'noise_single_view']
    """
    measured = [log for log in study.usable if not set(NOISE).isdisjoint(log.scalars())]
    ends = phases(study, every=every).set_index("run")[["race_end", "growth_end"]].astype(float)
    tables = [_run(log, ends.loc[log.label].to_numpy(), study.rule) for log in measured]

    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    table = table.reindex(columns=list(_TABLE))
    table.attrs["rule"] = _RULE.format(study.rule)
    return table


def panel(study: Study) -> Panel | None:
    """Return the panel of single networks, or of all runs that measured noise."""
    table = memorisation(study)
    shown = of_singles(study, table)
    if not len(shown):
        return None

    figure, axes = canvas(WIDTH, 3.2, columns=2)
    draw(shown, axes[0])
    draw_error(shown, axes[1])
    caption = (
        f"{shown['run'].nunique()} runs without a teacher. Left: strength summed over all features, and noise of "
        "training samples memorised by the neurons of their class, each as a share of its last value; grey, on the "
        f"scale of the features: strength on features of other classes. {_still(shown)} Right: training error against "
        f"the share of features learned, one path a run. {late_features(study)}"
    )
    return Panel("memorisation", "What was memorised", caption, table, figure)


def draw(table: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with features and noise over steps, each as a share of its value at its run's last step.

    The null, features of other classes, is drawn on the scale of the features. Thin: one run; bold: the median; dotted:
    where phase III begins, the median over runs.

    Args:
        table: Table of `memorisation`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> draw(memorisation(example_study()[-1]), canvas(4, 3)[1][0]).get_xlabel()
        'step'
    """
    last = table.groupby("run", observed=True)[["strength", *NOISE]].transform("last")
    for name, colour, _ in _LINES:
        whole = last["strength" if name == "off_strength" else name]
        shares = table.assign(share=table[name] / whole)
        wide = shares.pivot_table(index="step", columns="run", values="share", observed=True).interpolate("index")
        thin_lines(ax, wide, colour)

    begins = table[table["phase"] == "memorisation"].groupby("run", observed=True)["step"].min().median()
    if pd.notna(begins):
        ax.axvline(begins, color=INK, linewidth=0.8, linestyle=":")

    ax.set(xlabel="step", ylabel="share of its last value", ylim=(-0.02, 1.05))
    ax.margins(x=0)
    key(ax, [(stroke(colour, 2.2), name) for _, colour, name in _LINES], columns=2)
    return ax


def draw_error(table: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with training error against the share of features learned, one path a run.

    Args:
        table: Table of `memorisation`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> draw_error(memorisation(example_study()[-1]), canvas(4, 3)[1][0]).get_xlabel()
        'share of features learned'
    """
    colours = {"race": MUTED, "growth": VIEWS[0], "memorisation": VIEWS[1]}
    for _, rows in table.groupby("run", observed=True):
        ax.plot(rows["coverage"], rows["train_error"], color=MUTED, linewidth=0.6)
    for phase, colour in colours.items():
        rows = table[table["phase"] == phase]
        ax.plot(rows["coverage"], rows["train_error"], "o", color=colour, markersize=4, alpha=0.7, markeredgewidth=0)

    ax.set(xlabel="share of features learned", ylabel="training error", xlim=(-0.02, 1.02), ylim=(-0.03, 1.03))
    key(ax, [(stroke(colour, 4), phase) for phase, colour in colours.items()])
    return ax


def _run(log: LogLike, ends: np.ndarray, rule: LearnedRule) -> pd.DataFrame:
    scalars = log.scalars().reindex(columns=[*NOISE, "train_error"])
    scalars = scalars.dropna(how="all", subset=list(NOISE))
    # The rule needs the run's last step, whether or not noise was measured there.
    steps = sorted({*map(int, scalars.index), int(log.steps[-1])})
    found = rule(features(log, correlation_series(log).name, steps=tuple(steps)))
    sums = found.groupby("step").agg(
        strength=("strength", "sum"), off_strength=("off_strength", "sum"), coverage=("learned", "mean")
    )
    sums["off_strength"] = sums["off_strength"].where(found.groupby("step")["off_strength"].count() > 0)

    table = sums.join(scalars, how="inner").reset_index(names="step")
    return table.assign(
        run=log.label,
        role=log.manifest.role,
        variant=log.manifest.variant,
        phase=phase_of(table["step"].to_numpy(), *ends),
        rule=str(rule),
    )


def _still(table: pd.DataFrame) -> str:
    """Return in one sentence how much features and noise grew in phase III."""
    rows = table[table["phase"] == "memorisation"].groupby("run", observed=True)
    if not len(rows):
        return "No run reached phase III."
    names = ["coverage", "strength", "noise_single_view"]
    grown = (rows[names].last() / rows[names].first()).median()

    return (
        f"From the first to the last look within phase III coverage changed by a factor {grown['coverage']:.2f}, "
        f"strength by {grown['strength']:.2f}, single-view noise by {grown['noise_single_view']:.2f} (medians)."
    )
