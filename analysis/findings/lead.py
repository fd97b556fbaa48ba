"""When the winner is decided: what a run prefers on a probe batch, step by step, against what it prefers in the end."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from probes.analysis.factors.agreement import Agreement, within
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import INK, MUTED, VIEWS, WIDTH, canvas, key, stroke
from probes.analysis.plots.marks import dot
from probes.analysis.preferences import Preferences, alternatives, by_groups, preferences
from probes.analysis.sample_sets import LEAD, ONE_STEP, SampleSet, plain_sets, sample_sets
from probes.analysis.study import Study, finding
from probes.errors import LogError, NotRecordedError
from probes.log.protocol import LogLike

__all__ = ["COLUMNS", "draw", "lead", "panel"]

COLUMNS = {
    "of": "early: of the probe batch at a step; one gradient step: what one step from the initialisation changes there",
    "step": "number of completed updates; 0 for the gradient step",
    "against": "where the final preference is from: an evaluation set with these groups, or the batch's last step",
    "correlation": "of the lead with the final preference, over runs, classes and views, what all runs share taken off",
    "low": "lower end of its 95 % interval, by the jackknife over runs",
    "high": "upper end of the same",
    "null_low": "2.5th percentile of it where leads are handed to other runs",
    "null_high": "97.5th percentile of the same",
    "p_value": "share of the permutations, and of what was measured, with as large a correlation",
    "agree": "share of runs and classes whose leading view is the one that they prefer in the end",
    "agree_null": "the same where leads are handed to other runs, its mean",
    "n": "number of runs",
}

_LEAST = 4  # runs; of fewer, what they prefer is mostly what is taken off
_FEWEST = 2  # steps, where the last of them is the end
_LEVEL = 0.05
_TICKS = 10
_BESIDE = 0.2  # of the first step: how far left of step 0 the gradient step is drawn
_EARLY, _GRADIENT = "early", "one gradient step"
_RULE = (
    f"the winner shows at a step where p <= {_LEVEL} there and at all later steps; it is predicted where p <= {_LEVEL}"
)


class _Probe(NamedTuple):
    """The probe batch of the runs that have stored it at the same steps."""

    one: SampleSet
    logs: Sequence[LogLike]
    steps: Sequence[int]

    def at(self, step: int) -> NDArray[np.float64]:
        return _scores(self, [self.one.at(log, step) for log in self.logs])


@finding
def lead(study: Study) -> pd.DataFrame:
    """Return one row per step of the probe batch, and one for a gradient step: how well the lead foretells the winner.

    Outputs `lead` of a batch whose samples show one view each, named by their groups, at several steps; the lead of a
    view is the own class's logit, less the mean of all, on its samples less that on all views'. Outputs `lead-one-step`
    at step 0, of the same batch after one full gradient step from the initialisation, give what that step changes.

    Args:
        study: A study, logs, or a path.

    Raises:
        NotRecordedError: fewer than four members have stored them with labels and groups, or all at one step alone.
        LogError: those after a gradient step are of other samples.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> lead(Study(example_study()))
        Traceback (most recent call last):
        probes.errors.NotRecordedError: expected outputs `lead` with labels and groups, ...
    """
    probe = _probe(study)
    against, last = _final(study, probe) if probe else ("", None)
    if probe is None or last is None or (against == _own(probe) and len(probe.steps) < _FEWEST):
        raise NotRecordedError(
            f"expected outputs `{LEAD}` with labels and groups, two or more views a class, at several steps, of "
            f"{_LEAST} members or more, got none; record a batch whose samples show one view each by "
            f"`recorder.outputs('{LEAD}', logits, labels=..., groups=..., step=...)` at several steps"
        )
    rows: list[tuple[Any, ...]] = [
        (_EARLY, step, against, *_within(probe, probe.at(step), last), len(probe.logs))
        for step in probe.steps
        if against != _own(probe) or step != probe.steps[-1]
    ]
    rows += list(_gradient(study, probe, against, last))
    table = pd.DataFrame(rows, columns=["of", "step", "against", *Agreement._fields, "n"])
    table.attrs["rule"] = _RULE

    return table


def _probe(study: Study) -> _Probe | None:
    one = sample_sets(study).get(LEAD)
    if one is None or one.labels is None or not alternatives(one.labels, one.groups):
        return None
    logs = [log for log in study.members if log.label in one.logits]
    common = set.intersection(*({*log.output_sets[LEAD]} for log in logs)) if logs else set()

    return _Probe(one, logs, sorted(common)) if len(logs) >= _LEAST and common else None


def _scores(probe: _Probe, logits: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
    """Return the own class's logit less the mean over classes, ``(run, sample)``."""
    labels = np.asarray(probe.one.labels)
    stacked = np.stack(logits).astype(np.float64)

    return np.asarray(stacked[:, np.arange(len(labels)), labels] - stacked.mean(axis=-1))


def _own(probe: _Probe) -> str:
    return f"{LEAD} at step {probe.steps[-1]}"


def _final(study: Study, probe: _Probe) -> tuple[str, Preferences]:
    """Return where the final preferences are from, and what they are: of a set with the same groups, else the last."""
    mine = alternatives(np.asarray(probe.one.labels), probe.one.groups)
    for name, one in plain_sets(study).items():
        if one.labels is None or not all(log.label in one.logits for log in probe.logs):
            continue
        its = alternatives(one.labels, one.groups)
        if any(its.get(class_) == names for class_, names in mine.items()):
            return name, _shared(preferences(one, probe.logs), mine)
    labels, groups = np.asarray(probe.one.labels), np.asarray(probe.one.groups)

    return _own(probe), by_groups(probe.at(probe.steps[-1]), labels, groups)


def _shared(found: Preferences, names: dict[int, list[str]]) -> Preferences:
    """Return preferences of those classes alone whose alternatives have these names."""
    values, classes, its = found
    kept = [place for place, class_ in enumerate(classes) if names.get(class_) == list(its[place])]

    return Preferences(values[:, kept], [classes[place] for place in kept], [its[place] for place in kept])


def _within(probe: _Probe, scores: NDArray[np.float64], last: Preferences) -> Agreement:
    """Return how alike the leads in scores and the final preferences are, of the classes that have these."""
    leads, classes, _ = by_groups(scores, np.asarray(probe.one.labels), np.asarray(probe.one.groups))
    final, known, _ = last

    return within(leads[:, [list(classes).index(class_) for class_ in known]], final)


def _gradient(study: Study, probe: _Probe, against: str, last: Preferences) -> Iterator[tuple[Any, ...]]:
    """Yield the row of what one gradient step changes, less step 0 where that is known; none unless all recorded it."""
    after = sample_sets(study).get(ONE_STEP)
    if after is None or not all(log.label in after.logits for log in probe.logs):
        return
    same = after.ids is None or probe.one.ids is None or np.array_equal(after.ids, probe.one.ids)
    if not same or after.logits[probe.logs[0].label].shape != probe.one.logits[probe.logs[0].label].shape:
        raise LogError(
            f"expected outputs `{ONE_STEP}` of the samples of `{LEAD}` and in their order, got others; evaluate both "
            "on one batch"
        )
    changed = _scores(probe, [after.logits[log.label] for log in probe.logs])
    before = probe.at(0) if 0 in probe.steps else 0.0

    yield _GRADIENT, 0, against, *_within(probe, changed - before, last), len(probe.logs)


def panel(study: Study) -> Panel | None:
    """Return the panel of when the winner shows; None where no probe batch was recorded."""
    if LEAD not in sample_sets(study):
        return None
    table = lead(study)

    figure, (ax,) = canvas(WIDTH, 2.8)
    draw(table, ax)
    marks = [(dot(VIEWS[0]), "lead on the probe batch"), (dot(VIEWS[1]), "what one gradient step changes")]
    key(figure, [*marks, (stroke(MUTED, 4), "leads handed to other runs, central 95 %")])
    caption = (
        f"Correlation of the lead of a view on the probe batch with the final preference ({table['against'].iloc[0]}), "
        f"over {table['n'].iloc[0]} runs, classes and views; bars: 95 % over runs. {_said(table)} "
        f"{_RULE[0].upper()}{_RULE[1:]}."
    )
    return Panel("lead", "When the winner is decided", caption, table, figure)


def draw(table: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with the correlation against the step, its null, and that of one gradient step at step 0.

    Args:
        table: What `lead` returns.
        ax: Where to draw.
    """
    early = table[table["of"] == _EARLY]
    ax.fill_between(early["step"], early["null_low"], early["null_high"], color=MUTED, alpha=0.3, linewidth=0)
    ax.vlines(early["step"], early["low"], early["high"], color=VIEWS[0], linewidth=1.4)
    ax.plot(early["step"], early["correlation"], "o-", color=VIEWS[0], markersize=5, linewidth=1, clip_on=False)
    linear = max(1, int(early.loc[early["step"] > 0, "step"].min())) if (early["step"] > 0).any() else 1
    beside = np.full((table["of"] == _GRADIENT).sum(), -_BESIDE * linear)
    gradient = table[table["of"] == _GRADIENT]
    ax.vlines(beside, gradient["low"], gradient["high"], color=VIEWS[1], linewidth=1.4)
    ax.plot(beside, gradient["correlation"], "o", color=VIEWS[1], markersize=6)
    ax.axhline(0, color=INK, linewidth=0.5)

    ax.set_xscale("symlog", linthresh=linear, linscale=0.5)
    ax.set_xlim(left=-2 * _BESIDE * linear)
    steps = early["step"].tolist()
    ax.set_xticks(steps if len(steps) <= _TICKS else steps[:: 1 + len(steps) // _TICKS], minor=False)
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set(xlabel="step", ylabel="correlation with the winner", ylim=(min(-0.4, float(table["low"].min())), 1))
    return ax


def _said(table: pd.DataFrame) -> str:
    """Say when the winner shows, and whether one gradient step predicts it."""
    early = table[table["of"] == _EARLY].sort_values("step")
    significant = early["p_value"] <= _LEVEL
    steady = significant[::-1].cummin()[::-1]
    shown = early.loc[steady, "step"]
    first = f"The winner shows from step {shown.iloc[0]:,} on." if len(shown) else "The winner does not show."
    parts = [
        f"One gradient step {'predicts' if row['p_value'] <= _LEVEL else 'does not predict'} it: "
        f"{row['correlation']:.3f} ({row['low']:.3f} to {row['high']:.3f}; p {row['p_value']:.3g}; right in "
        f"{row['agree']:.0%}, by chance {row['agree_null']:.0%})."
        for _, row in table[table["of"] == _GRADIENT].iterrows()
    ]
    return " ".join([first, *(parts or [f"Outputs `{ONE_STEP}` were not recorded, which would say what predicts it."])])
