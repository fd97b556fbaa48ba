"""What ensembles of K members gain, and how often runs disagree."""

from collections.abc import Mapping, Sequence
from itertools import combinations, product

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from probes.analysis.findings.coverage import subsets_of
from probes.analysis.findings.outputs import cross_entropies, wrong
from probes.analysis.intervals import ENDS, Estimate, less, mean_of, rate
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import MUTED, VIEWS, WIDTH, canvas
from probes.analysis.plots.marks import members_axis
from probes.analysis.sample_sets import ALL, SampleSet, plain_sets
from probes.analysis.study import Study, finding
from probes.errors import LogError
from probes.log.protocol import LogLike

__all__ = ["COLUMNS", "PANELS", "disagreement", "disagreement_panel", "draw", "ensembles", "gain_of", "panel"]

COLUMNS = {
    "set": "name of the evaluation set",
    "group": "group of samples; `all` of them",
    "members": "number K of members whose outputs are averaged",
    "subsets": "number of different ensembles of K members that were measured",
    "error": "share of samples that the ensemble has wrong, mean over the ensembles",
    "error_low": "2.5th percentile over the ensembles; of a single one the end of its 95 % interval over samples",
    "error_high": "97.5th percentile over the ensembles; of a single one the end of its interval",
    "cross_entropy": "mean of -log of the own class's probability under the mean of the logits, in nats",
    "gain": "mean error of one member less that of the ensemble of all; with its 95 % interval, low to high",
    "pair": "whose predictions are compared",
    "disagreement": "share of samples on which the two predict different classes, mean over pairs",
    "low": "lower end of the 95 % interval",
    "high": "upper end of the 95 % interval",
    "n": "number of runs, each with its mean over the others (disagreement)",
}

_TABLE = (
    "set",
    "group",
    "members",
    "subsets",
    "error",
    "error_low",
    "error_high",
    "cross_entropy",
    "gain",
    "low",
    "high",
)
_PAIRS = ("set", "pair", "disagreement", "low", "high", "n")
# Outputs that are averaged for one size of ensembles, and for one evaluation set: some seconds.
_MOST_OUTPUTS = 1e9
_MOST_SUBSETS = 256
_DEVIATIONS = 1.96  # of a normal distribution, to either end of its central 95 %
_SETS = 3  # that a figure shows


@finding
def ensembles(study: Study) -> pd.DataFrame:
    """Return one row per (evaluation set, group, number of members K): the error of the mean of their logits.

    Each figure is a mean over ensembles of K different members, all of them or up to 256 drawn at random. `gain`, with
    its 95 % interval over runs and samples, stands in the row of the ensemble of all.

    Args:
        study: A study, logs, or a path.

    Raises:
        LogError: fewer than two members have stored outputs of one set.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = ensembles(Study(example_study()))
        >>> table.loc[table["set"] == "single_view", ["members", "error"]].round(3).values.tolist()[::4]
        [[1.0, 0.444], [5.0, 0.0]]
    """
    rows = [
        row
        for one in plain_sets(study).values()
        for group, chosen in one.parts
        for row in _of_set(one, group, chosen, one.of(study.members))
    ]
    if not rows:
        raise LogError(
            "expected outputs with labels of two or more members, runs without parents, got fewer; record more runs"
        )

    return pd.DataFrame(rows, columns=list(_TABLE))


@finding
def disagreement(study: Study) -> pd.DataFrame:
    """Return one row per (evaluation set, kind of pair): how often the two predict different classes.

    Kinds are members among themselves, students among themselves, a student and its teachers, and, as the control, a
    student and runs without teachers that are not its own teachers. The interval is Student's t over runs.

    Args:
        study: A study, logs, or a path.

    Raises:
        LogError: fewer than two runs have stored outputs of one set.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = disagreement(Study(example_study()))
        >>> table.loc[table["set"] == "single_view", "pair"].tolist()[:2]
        ['member and member', 'student and student']
    """
    rows = []
    for one in plain_sets(study).values():
        predicted = {label: logits.argmax(axis=1) for label, logits in one.logits.items()}
        for pair, pairs in _pairs(study, set(one.logits)).items():
            if pairs:
                rows.append((one.name, pair, *_disagreement(pairs, predicted)))
    if not rows:
        raise LogError("expected outputs of two or more runs on one set, got fewer; store those of more runs")

    return pd.DataFrame(rows, columns=list(_PAIRS))


def _of_set(
    one: SampleSet, group: str, chosen: NDArray[np.bool_], logits: Sequence[NDArray[np.floating]]
) -> list[tuple[object, ...]]:
    count = len(logits)
    if count < 2 or one.labels is None:
        return []
    labels = one.labels[chosen]
    stacked = np.stack([each[chosen] for each in logits]).astype(np.float64)
    most = int(np.clip(_MOST_OUTPUTS / max(1, count * stacked.size), 1, _MOST_SUBSETS))

    rows: list[tuple[object, ...]] = []
    for sets in subsets_of(count, most, np.random.default_rng(0)):
        errors, losses = zip(*(_error(stacked[list(members)].mean(axis=0), labels) for members in sets), strict=True)
        error = rate(round(errors[0] * len(labels)), len(labels))
        ends = (error.low, error.high) if len(sets) == 1 else tuple(np.quantile(errors, ENDS).tolist())
        gain = gain_of(stacked, labels) if len(sets[0]) == count else (np.nan,) * 3
        mean = (float(np.mean(errors)), *ends, float(np.mean(losses)))
        rows.append((one.name, group, len(sets[0]), len(sets), *mean, *gain))
    return rows


def gain_of(stacked: NDArray[np.float64], labels: NDArray[np.integer]) -> tuple[float, float, float]:
    """Return by how much the ensemble of all errs less than a member, with its 95 % interval over runs and samples.

    All err on the same samples, so that the difference is taken sample by sample; what other runs would change is the
    jackknife over members (`Efron & Stein, 1981 <https://doi.org/10.1214/aos/1176345462>`_).

    Args:
        stacked: Logits ``(member, sample, class)`` of two members or more.
        labels: ``(sample,)``.

    Example:
        >>> logits = np.array([[[3.0, 0], [0, 1]], [[0, 1], [3, 0]]])
        >>> gain_of(logits, np.array([0, 0]))[0]
        0.5
    """
    mistakes = np.stack([wrong(each, labels) for each in stacked])
    paired = mistakes.mean(axis=0) - wrong(stacked.mean(axis=0), labels)
    value, count = float(paired.mean()), len(stacked)
    left = [
        np.delete(mistakes, member, axis=0).mean() - _error(np.delete(stacked, member, axis=0).mean(axis=0), labels)[0]
        for member in range(count)
    ]

    variance = paired.var(ddof=1) / len(labels) if len(labels) > 1 else 0.0
    reach = _DEVIATIONS * float(np.sqrt(variance + (count - 1) * np.var(left)))
    if reach == 0:  # no sample tells them apart: what their error rates leave open
        single, joint = (
            rate(round(share * len(labels)), len(labels)) for share in (mistakes.mean(), mistakes.mean() - value)
        )
        return less(single, joint)[:3]
    return value, value - reach, value + reach


def _error(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> tuple[float, float]:
    return float(wrong(logits, labels).mean()), float(cross_entropies(logits, labels).mean())


def _pairs(study: Study, known: set[str]) -> Mapping[str, list[tuple[str, str]]]:
    """Return the pairs of each kind, by label; of a pair of two kinds the student first."""
    members, students = (_labels(logs, known) for logs in (study.members, study.students))
    taught = {log.label: set(_labels(study.teachers(log), known)) for log in study.students if log.label in known}

    return {
        "member and member": list(combinations(members, 2)),
        "student and student": list(combinations(students, 2)),
        "student and its teacher": [(student, teacher) for student in students for teacher in sorted(taught[student])],
        "student and untaught run": [
            (student, member) for student, member in product(students, members) if member not in taught[student]
        ],
    }


def _labels(logs: Sequence[LogLike], known: set[str]) -> list[str]:
    return [log.label for log in logs if log.label in known]


def _disagreement(pairs: Sequence[tuple[str, str]], predicted: Mapping[str, NDArray[np.integer]]) -> Estimate:
    """Return the mean over pairs, with Student's t interval over runs, each with its mean over its pairs."""
    shares = {pair: float((predicted[pair[0]] != predicted[pair[1]]).mean()) for pair in pairs}
    samples = len(next(iter(predicted.values())))
    if len(pairs) == 1:
        return rate(round(next(iter(shares.values())) * samples), samples)._replace(n=1)
    runs = dict.fromkeys(run for pair in pairs for run in pair)
    means = [np.mean([share for pair, share in shares.items() if run in pair]) for run in runs]
    estimates = [rate(round(mean * samples), samples)._replace(value=float(mean)) for mean in means]

    return mean_of(estimates)._replace(value=float(np.mean(list(shares.values()))))


def panel(study: Study) -> Panel:
    """Return the panel of what ensembles gain and how often runs disagree."""
    table = ensembles(study)
    names = table["set"].drop_duplicates().tolist()[:_SETS]

    figure, axes = canvas(WIDTH, 2.8, columns=len(names))
    for ax, name in zip(axes, names, strict=True):
        draw(table[table["set"] == name], ax, title=name)
    caption = (
        "Share of samples that the mean of K members' logits has wrong. Dots: mean over ensembles of K (at most "
        f"{table['subsets'].max()} of them); bars: the central 95 % of these, of a single one its interval over "
        f"samples; thin: by group. {' '.join(_gain(table[table['set'] == name], name) for name in names)} "
        f"Predictions that differ: {_differences(disagreement(study))}."
    )
    return Panel("ensembles", "What ensembles gain", caption, table, figure)


def disagreement_panel(study: Study) -> Panel:
    """Return the panel of how often runs predict different classes, a table."""
    table = disagreement(study)
    caption = "Share of samples on which two runs predict different classes, mean over pairs; Student's t over runs."

    return Panel("disagreement", "How often runs disagree", caption, table)


PANELS = (panel, disagreement_panel)


def draw(table: pd.DataFrame, ax: Axes, *, title: str = "") -> Axes:
    """Return the axes with the error of ensembles of K members against K, and thin lines for groups of samples.

    Args:
        table: Rows of `ensembles` of one evaluation set.
        ax: Where to draw.
        title: What to write above.
    """
    whole = table[table["group"] == ALL]
    for _, rows in table[table["group"] != ALL].groupby("group"):
        ax.plot(rows["members"], rows["error"], color=MUTED, linewidth=0.7)
    ax.vlines(whole["members"], whole["error_low"], whole["error_high"], color=VIEWS[0], linewidth=1.2)
    ax.plot(whole["members"], whole["error"], "o", color=VIEWS[0], markersize=4.5)

    ax.set(ylabel="ensemble's error")
    members_axis(ax, int(whole["members"].max()))
    ax.set_ylim(bottom=0)
    ax.set_title(title, fontsize=8.5, pad=3)
    return ax


def _gain(table: pd.DataFrame, name: str) -> str:
    row = next(table[(table["group"] == ALL) & table["gain"].notna()].itertuples())

    return (
        f"{name}: all {row.members} together err {row.gain:+.4g} less than one ({row.low:.4g} to {row.high:.4g}, over "
        "runs and samples)."
    )


def _differences(table: pd.DataFrame) -> str:
    rows = table[table["set"] == table["set"].iloc[0]]
    found = [f"{row.pair} {row.disagreement:.1%} ({row.low:.1%} to {row.high:.1%})" for row in rows.itertuples()]

    return f"{', '.join(found)} of the samples of {table['set'].iloc[0]}"
