"""What a teacher's outputs add: students against untaught and class-mean-taught runs of the same initialisations."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from probes.analysis.findings.outputs import wrong
from probes.analysis.intervals import ENDS, Estimate, mean_of
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import GOOD, MUTED, VIEWS, WIDTH, canvas, key, stroke
from probes.analysis.plots.marks import dot, intervals, rows_named
from probes.analysis.sample_sets import ALL, ONE_VIEW, SampleSet, plain_sets
from probes.analysis.study import Study, finding
from probes.errors import NotRecordedError
from probes.log.protocol import LogLike

__all__ = ["CLASS_MEAN", "COLUMNS", "ENSEMBLE", "UNTAUGHT", "draw", "panel", "transfer"]

COLUMNS = {
    "set": "name of the evaluation set",
    "group": "group of samples; `all` of them, `one view` those of any group but `both`",
    "taught": "by what: ensemble, class mean, one teacher, self-distilled",
    "setting": "variant of the students, such as their temperature",
    "control": "the runs that they are compared with: untaught, or class mean",
    "error": "share of samples that the students have wrong, mean over pairs",
    "control_error": "the same of the control",
    "gain": "control_error less error, paired by initialisation; low to high its 95 % interval (Student's t)",
    "null_low": "2.5th percentile of the gain where the two of a pair are exchanged at random",
    "null_high": "97.5th percentile of the same",
    "p_value": "share of such exchanges, with what was measured, that gain as much",
    "closed": "share of the gap between untaught runs and the teachers' ensemble that the students close",
    "shown": "whether the interval of the gain lies above 0",
    "n": "number of initialisations",
}

UNTAUGHT, CLASS_MEAN, ENSEMBLE = "untaught", "class mean", "ensemble"
_SELF, _ONE = "self-distilled", "one teacher"
_LEAST = 2  # pairs
_EXACT, _FLIPS = 12, 4096  # pairs of which all exchanges are tried, and how many of more
_RULE = (
    "a gain is shown where its interval lies above 0; only one over runs taught by class means of the same logits, "
    "which hold nothing of a sample's views, speaks for what the teacher knows of samples: one over untaught runs may "
    "be the loss's alone"
)
_WITHOUT = "No runs taught by class means share an initialisation: train some, or no gain speaks for the teacher."


class _Arm(NamedTuple):
    """Runs taught in one way, by what they share with those of other arms."""

    taught: str
    setting: str
    runs: Mapping[tuple[int | None, int], Sequence[LogLike]]


@finding
def transfer(study: Study) -> pd.DataFrame:
    """Return one row per (evaluation set, group, kind of students, control): what being taught gains.

    Runs are paired by the seed `init` (and `data`). What students were taught by stands in their role or variant, as
    `class_mean` or `ensemble`, else several parents are an ensemble. Untaught are runs called so, or else the members
    of the commonest role.

    Args:
        study: A study, logs, or a path.

    Raises:
        NotRecordedError: fewer than two students share an initialisation with runs of a control.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> transfer(Study(example_study()))
        Traceback (most recent call last):
        probes.errors.NotRecordedError: expected two students or more that share the seed `init` with ...
    """
    rows = [
        (one.name, group, *row)
        for one in plain_sets(study).values()
        if one.labels is not None
        for group, chosen in one.parts
        for row in _of_part(study, one, chosen)
    ]
    if not rows:
        raise NotRecordedError(
            "expected two students or more that share the seed `init` with runs untaught or taught by class means, "
            "with outputs and labels, got fewer; train these from the students' initialisations, and record them by "
            "`Recorder(..., role='class_mean', seeds={'init': 3})`"
        )
    columns = ["set", "group", "taught", "setting", "control", "error", "control_error", "gain", "low", "high"]
    table = pd.DataFrame(rows, columns=[*columns, "n", "null_low", "null_high", "p_value", "closed"])
    table["shown"] = table["low"] > 0
    table.attrs["rule"] = _RULE

    return table


def _arms(study: Study) -> Sequence[_Arm]:
    """Return the arms, in the order of their runs."""
    called = {log.label: _taught(log) for log in study.usable if log.manifest.networks == 1}
    plain = [log for log in study.members if called.get(log.label) == ""]
    usual = Counter(log.manifest.role for log in plain).most_common(1)
    named = UNTAUGHT in called.values()
    found: dict[tuple[str, str], dict[tuple[int | None, int], list[LogLike]]] = {}
    for log in study.usable:
        taught, seeds = called.get(log.label, ""), log.manifest.seeds
        if not taught and log in plain and not named and log.manifest.role == usual[0][0]:
            taught = UNTAUGHT
        if taught and "init" in seeds:
            runs = found.setdefault((taught, _setting(log, taught)), {})
            runs.setdefault((seeds.get("data"), seeds["init"]), []).append(log)

    return [_Arm(*kind, runs) for kind, runs in found.items()]


def _taught(log: LogLike) -> str:
    """Return by what a run was taught; "" where it was not, and nothing calls it untaught."""
    said = _words(f"{log.manifest.role} {log.manifest.variant}")
    for name in (CLASS_MEAN, UNTAUGHT, ENSEMBLE):
        if name in said:
            return name
    if not log.manifest.parents:
        return ""

    return _SELF if "self" in said else ENSEMBLE if len(log.manifest.parents) > 1 else _ONE


def _setting(log: LogLike, taught: str) -> str:
    variant = log.manifest.variant

    return "" if taught in {_words(variant), UNTAUGHT} else variant


def _words(text: str) -> str:
    return text.lower().replace("_", " ").replace("-", " ")


def _of_part(study: Study, one: SampleSet, chosen: NDArray[np.bool_]) -> Iterator[tuple[Any, ...]]:
    """Yield what every arm of students gains over every control on some of the samples."""
    labels = np.asarray(one.labels)[chosen]
    arms = study.once(_arms)
    for arm, control in product(arms, arms):
        if not _comparable(arm, control):
            continue
        errors = [_errors(each, one, chosen, labels) for each in (arm, control)]
        common = [pair for pair in errors[0] if pair in errors[1]]
        if len(common) >= _LEAST:
            mine, its = (np.array([each[pair] for pair in common]) for each in errors)
            apart = its - mine
            gain = mean_of([Estimate(float(each), np.nan, np.nan, 1) for each in apart])
            teachers = [log for pair in common for run in arm.runs[pair] for log in study.teachers(run)]
            closed = _closed(one, chosen, teachers, its, apart) if control.taught == UNTAUGHT else np.nan
            yield *arm[:2], control.taught, float(mine.mean()), float(its.mean()), *gain, *_exchanged(apart), closed


def _comparable(arm: _Arm, control: _Arm) -> bool:
    if arm.taught in (UNTAUGHT, control.taught):
        return False

    return control.taught == UNTAUGHT or (control.taught == CLASS_MEAN and control.setting in ("", arm.setting))


def _errors(
    arm: _Arm, one: SampleSet, chosen: NDArray[np.bool_], labels: NDArray[np.integer]
) -> dict[tuple[int | None, int], float]:
    """Return the mean error of an arm's runs, by what they share with others."""
    known = {pair: one.of(runs) for pair, runs in arm.runs.items()}

    return {
        pair: float(np.mean([wrong(each[chosen], labels).mean() for each in logits]))
        for pair, logits in known.items()
        if logits
    }


def _closed(
    one: SampleSet,
    chosen: NDArray[np.bool_],
    teachers: Sequence[LogLike],
    untaught: NDArray[np.float64],
    gains: NDArray[np.float64],
) -> float:
    """Return the share of the gap to the teachers' ensemble that is closed; no number where there is no gap."""
    logits = one.of(list({log.label: log for log in teachers}.values()))
    if len(logits) < 2:
        return np.nan
    ensemble = wrong(np.mean([each[chosen] for each in logits], axis=0), np.asarray(one.labels)[chosen]).mean()
    gap = float(untaught.mean() - ensemble)

    return float(gains.mean()) / gap if gap > 0 else np.nan


def _exchanged(gains: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return both ends of what chance reaches, where the two of a pair are exchanged, and the p value, one-sided."""
    count = len(gains)
    signs = (
        np.array(list(product((1, -1), repeat=count)))
        if count <= _EXACT
        else np.vstack([np.ones(count), np.random.default_rng(0).choice([1, -1], (_FLIPS - 1, count))])
    )
    means = signs @ gains / count
    low, high = np.quantile(means, ENDS)

    return float(low), float(high), float(np.mean(means >= gains.mean() - 1e-12))


def panel(study: Study) -> Panel | None:
    """Return the panel of what students gain over runs of their initialisations; None where no such were recorded."""
    try:
        table = transfer(study)
    except NotRecordedError:
        return None
    name = table["set"].iloc[0]
    groups = table.loc[table["set"] == name, "group"].unique().tolist()
    group = ONE_VIEW if ONE_VIEW in groups else ALL
    rows = table[(table["set"] == name) & (table["group"] == group)]

    figure, (ax,) = canvas(WIDTH, 0.9 + 0.3 * len(rows))
    draw(rows, ax)
    marks = [(dot(VIEWS[0]), "over untaught runs"), (dot(GOOD), "over runs taught by class means")]
    key(figure, [*marks, (stroke(MUTED, 4), "pairs exchanged, central 95 %")])
    caption = (
        f"By how much students err less than runs of the same initialisations on {name}, {group} of its samples; bars: "
        f"Student's t over initialisations. {' '.join(_said(row) for _, row in rows.iterrows())} "
        f"{'' if (rows['control'] == CLASS_MEAN).any() else f'{_WITHOUT} '}{_RULE[0].upper()}{_RULE[1:]}."
    )
    return Panel("transfer", "What being taught gains", caption, table, figure)


def draw(table: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with a row for each comparison: the gain with its interval and its null.

    Args:
        table: Rows of `transfer` of one set and group.
        ax: Where to draw.
    """
    for row, control in enumerate(table["control"]):
        one = table.iloc[[row]]
        ax.hlines(row, one["null_low"], one["null_high"], color=MUTED, linewidth=7, alpha=0.5)
        intervals(ax, one, [row], value="gain", colour=VIEWS[0] if control == UNTAUGHT else GOOD)
    ax.axvline(0, color=MUTED, linewidth=0.7)
    rows_named(ax, [_named(row) for _, row in table.iterrows()], fontsize=8)
    ax.set(xlabel="gain: share of samples that are right instead of wrong")
    return ax


def _named(row: "pd.Series[Any]") -> str:
    return " ".join(filter(None, [row["taught"], row["setting"], "over", row["control"]]))


def _said(row: "pd.Series[Any]") -> str:
    closed = "" if np.isnan(row["closed"]) else f", {row['closed']:.0%} of the gap to the teachers' ensemble"
    shown = "shown" if row["shown"] else "not shown"

    return (
        f"{_named(row)}: {row['gain']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f}; {row['n']} pairs, p "
        f"{row['p_value']:.3g}), {shown}{closed}."
    )
