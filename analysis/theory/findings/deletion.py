"""The deletion test: what a class still sees without the neurons credited with a view, so that the credit is causal.

A correlation shows that a neuron points along a view. Muting it, with everything else left as it is, tests whether the
network needs it to see that view. The control mutes the neurons of the same class credited with its other view.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from probes.analysis.intervals import bootstrapped, rate
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import BAD, INK, MUTED, VIEWS, WIDTH, canvas, key, stroke
from probes.analysis.plots.marks import intervals, rows_named
from probes.analysis.study import Study, finding
from probes.analysis.theory.logits import measured_arrays
from probes.analysis.theory.measurement import Measurement, units
from probes.analysis.theory.roles import kind_name, race_learned, role_order
from probes.errors import LogError
from probes.log.protocol import LogLike

__all__ = ["CLAIMS", "COLUMNS", "MUTED_NEURONS", "deletion", "deletion_rates", "draw", "draw_rates", "panel"]

# What is muted, by the column that holds the accuracy without it.
MUTED_NEURONS: Mapping[str, str] = MappingProxyType({"before": "none", "after": "credited", "control": "other view"})

COLUMNS = {
    "learned": "whether the feature was learned",
    "neurons": "neurons of the class credited with the feature",
    "before": "accuracy on single-view samples that show this view alone",
    "after": "accuracy without the neurons credited with the view",
    "control": "null: the same without the neurons credited with the class's other view",
    "lost": "before - after",
    "n": "number of samples",
    "muted": "which neurons of the class were muted: none, those credited with the view, or with the other view",
    "accuracy": "share of the samples that is right",
    "low": "lower end of the 95 % interval",
    "high": "upper end of the 95 % interval",
    "features": "number of features",
}

_TABLE = (
    *("run", "role", "variant", "class", "view", "learned"),
    *("neurons", "before", "after", "control", "lost", "n", "rule"),
)
_RATES = ("role", "variant", "learned", "muted", "accuracy", "low", "high", "n", "features", "rule")
_RULE = (
    "credited: the neurons of the class that point furthest along this view, of all features; before, after, control: "
    "accuracy on single-view test samples of the class that show this view alone, with all neurons, without the "
    "credited ones, and (null) without those credited with the other view; {}"
)
_STATES = {"control": "other view's", "before": "none", "after": "credited"}
_MARKS = {
    "none": (INK, "|", 11, "none muted"),
    "other view": (VIEWS[0], "o", 6, "other's muted"),
    "credited": (BAD, "X", 6, "own muted"),
}


@finding
def deletion(study: Study) -> pd.DataFrame:
    """Return one row per (run, class, view): accuracy before and after muting the view's neurons, and the control.

    Only where the view was learned is a loss expected: a view that was not learned has none to lose. Runs that were not
    evaluated, or before this test was there, give no row: `probes evaluate RUN` adds it.

    Args:
        study: A study of the theory, logs, or a path.

    Raises:
        LogError: an evaluation's arrays are not those of two views, or a log has no series (class, neuron,
            feature_class, view).

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = deletion(example_study()[-1])
        >>> table.groupby("learned")[["before", "after", "control"]].mean().round(2).values.tolist()
        [[0.03, 0.03, 0.02], [1.0, 0.01, 1.0]]
    """
    known = race_learned(study)
    tested = [log for log in study.usable if {"deletion/before", "deletion/after"} <= set(measured_arrays(log))]
    tables = [_run(log, known[known["run"] == log.label]) for log in tested]

    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    table = table.reindex(columns=list(_TABLE))
    table.attrs["rule"] = _RULE.format(study.rule)
    return table


@finding
def deletion_rates(study: Study) -> pd.DataFrame:
    """Return accuracies by (role, variant, learned) and by what was muted, each with Wilson's interval over samples.

    Features of which no sample shows the view alone are left out.

    Args:
        study: A study of the theory, logs, or a path.

    Raises:
        LogError: as `deletion`.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> rates = deletion_rates(example_study()[-1])
        >>> rates.loc[rates["learned"], ["muted", "accuracy"]].round(2).values.tolist()
        [['none', 1.0], ['credited', 0.01], ['other view', 1.0]]
    """
    table = deletion(study)
    counted = table[table["n"] > 0]
    rows = [
        {"role": role, "variant": variant, "learned": known, "muted": muted, "features": len(part), **_rate(part, name)}
        for (role, variant, known), part in counted.groupby(["role", "variant", "learned"], sort=False, observed=True)
        for name, muted in MUTED_NEURONS.items()
    ]

    rates = pd.DataFrame(rows).reindex(columns=list(_RATES))
    rates.attrs["rule"] = table.attrs["rule"]
    return rates


def panel(study: Study) -> Panel | None:
    """Return the panel of accuracies without the credited neurons: view by view, and by the kind of run."""
    table = deletion(study)
    if not len(table):
        return None

    figure, axes = canvas(WIDTH, 3.6, columns=2)
    singles = table[table["role"] == "single"]
    shown = singles if len(singles) else table
    draw(shown, axes[0])
    draw_rates(deletion_rates(study), axes[1])
    means = shown[shown["learned"].astype(bool)][["before", "after", "control"]].mean()
    caption = (
        "A correlation alone does not show that a network uses a neuron. Here the neurons of a class credited with a "
        "view are muted and nothing else is changed; the control mutes those credited with the other view, chosen in "
        "the same way. A credit is causal where samples that show a learned view alone are lost without its neurons "
        f"and still right under the control. Left: {'the singles' if len(singles) else 'all runs'}, one line a view; "
        f"learned views: {means['before']:.3f} with all neurons, {means['after']:.3f} without the credited ones, "
        f"{means['control']:.3f} under the control. Right: learned views of every kind of run, with Wilson's interval "
        "over samples. Where the control falls, too, neurons carry both views."
    )
    return Panel("deletion", "What the credited neurons do", caption, table, figure)


def draw(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with three dots a view, joined: accuracy under the control, with all neurons, without its own.

    Views that a run learned are blue, those that it did not learn grey; the means of both are bold. A credit that is
    causal runs flat from the left to the middle and falls to the right.

    Args:
        frame: Table of `deletion`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> draw(deletion(example_study()), canvas(4, 3)[1][0]).get_ylabel()
        'accuracy where the view alone is shown'
    """
    shift = np.random.default_rng(0).uniform(-0.09, 0.09, len(frame))
    for known, colour in ((False, MUTED), (True, VIEWS[0])):
        chosen = (frame["learned"] == known).to_numpy(dtype=bool)
        values = frame.loc[chosen, list(_STATES)].to_numpy(dtype=float).T
        if values.size:
            places = np.arange(3)[:, None] + shift[chosen]
            ax.plot(places, values, "-o", color=colour, linewidth=0.5, markersize=2.2, alpha=0.35, markeredgewidth=0)
            ax.plot(np.arange(3), np.nanmean(values, axis=1), "-o", color=colour, linewidth=2.6, markersize=6)

    ax.set_xticks(range(3), list(_STATES.values()))
    ax.set(xlim=(-0.3, 2.3), ylim=(-0.03, 1.03), ylabel="accuracy where the view alone is shown")
    ax.set_xlabel("which neurons of the class are muted")
    key(ax, [(stroke(VIEWS[0], 2.4), "learned"), (stroke(MUTED, 2.4), "not learned")])
    return ax


def draw_rates(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one row a role (and variant): accuracies on learned views by what was muted, 95 % bars.

    Args:
        frame: Table of `deletion_rates`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> draw_rates(deletion_rates(example_study()), canvas(4, 3)[1][0]).get_yticklabels()[0].get_text()
        'single'
    """
    shown = frame[frame["learned"].astype(bool)]
    kinds = sorted(set(zip(shown["role"], shown["variant"], strict=True)), key=lambda kind: role_order(*kind))

    for muted, (colour, marker, size, _) in _MARKS.items():
        part = shown[shown["muted"] == muted]
        rows = [kinds.index(kind) for kind in zip(part["role"], part["variant"], strict=True)]
        intervals(ax, part, rows, value="accuracy", colour=colour, marker=marker, size=size)

    rows_named(ax, [kind_name(*kind, gap="\n") for kind in kinds])
    ax.set(xlim=(-0.02, 1.02), xlabel="accuracy on learned views")
    key(ax, [(ax.plot([], [], mark, color=colour)[0], name) for colour, mark, _, name in _MARKS.values()])
    return ax


def _rate(part: pd.DataFrame, name: str) -> dict[str, float]:
    found = rate(int((part[name] * part["n"]).round().sum()), int(part["n"].sum()))

    return {"accuracy": found.value, "low": found.low, "high": found.high, "n": found.n}


def _run(log: LogLike, known: pd.DataFrame) -> pd.DataFrame:
    arrays = measured_arrays(log)
    before, after = arrays["deletion/before"], arrays["deletion/after"]
    if before.shape != (len(known) // 2, 2) or after.shape != (*before.shape, 2):
        raise LogError(
            f"run `{log.label}`: expected `deletion/before` (class, view) and `deletion/after` (class, "
            f"muted_view, view) of {len(known)} features, two a class, got {before.shape} and {after.shape}; "
            "evaluate the run again"
        )

    values = {
        "neurons": arrays.get("deletion/neurons", np.full(before.shape, np.nan)),
        "before": before,
        "after": after[:, [0, 1], [0, 1]],
        "control": after[:, [1, 0], [0, 1]],
        "n": _samples(arrays, before.shape),
    }
    columns = {name: np.asarray(value, dtype=float).ravel() for name, value in values.items()}
    table = known.reset_index(drop=True).assign(**columns, lost=columns["before"] - columns["after"])
    return table.astype({"run": object, "role": object, "variant": object, "n": int})


def _samples(arrays: Mapping[str, np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Return how many single-view test samples show each feature, ``(class, view)``; 0 where that is not known."""
    counts = np.zeros(shape, dtype=int)
    if {"single_view/labels", "single_view/view"} <= set(arrays):
        np.add.at(counts, (arrays["single_view/labels"], arrays["single_view/view"]), 1)

    return counts


def _causal(study: Study) -> Iterator[Measurement]:
    table = deletion(study)
    table = table[(table["role"] == "single") & table["learned"].astype(bool)].dropna(subset="before")
    if len(table):
        lost, what = units(table["control"] - table["after"], table["run"], "mean")
        means = table[["before", "after", "control"]].mean()
        note = (
            f"accuracy on {len(table)} learned views, mean over views: {means['before']:.3f} with all neurons, "
            f"{means['after']:.3f} without the credited ones, {means['control']:.3f} without those of the other view; "
            f"measured: the last two's difference; n: {what}; interval: bootstrap of the mean over {what}"
        )
        yield Measurement(bootstrapped(lost, np.mean), note)


CLAIMS: Mapping[str, Callable[[Study], Iterator[Measurement]]] = {"deletion.causal": _causal}
