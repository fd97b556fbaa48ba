"""What students took over, teacher by teacher: the features that a teacher had and the student would not have won."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from probes.analysis.intervals import Estimate, rate
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import GOOD, INK, MUTED, WIDTH, canvas, key
from probes.analysis.plots.marks import rows_named
from probes.analysis.study import Study, finding
from probes.analysis.theory.findings.growth import growth
from probes.analysis.theory.roles import race_sets
from probes.analysis.theory.teaching import own_features, taught_by
from probes.log.protocol import LogLike

__all__ = ["COLUMNS", "draw", "panel", "transfer"]

COLUMNS = {
    "teacher": "the teacher's run",
    "lacked": "features that this teacher learned and that are not the student's own",
    "taken_over": "how many of these the student learned",
    "share": "taken_over over lacked",
    "low": "lower end of its 95 % interval",
    "high": "upper end of its 95 % interval",
    "null": "share of such features that the student's teachers, without a teacher of their own, learned",
}

_TABLE = ("run", "role", "variant", *COLUMNS, "rule")
_RULE = (
    "lacked: features that are not the student's own and that this teacher learned; share: of these, learned by the "
    "student, with Wilson's interval; null: share of such features that its teachers, without a teacher of their own, "
    "learned of those their initialisation does not win; {}"
)


@finding
def transfer(study: Study) -> pd.DataFrame:
    """Return one row per (student, teacher): the features only the teacher had, and how many the student took over.

    A feature that several teachers have counts for each of them: which one it came from is not known, because
    students are shown the teachers' mean.

    Args:
        study: A study of the theory, logs, or a path.

    Raises:
        LogError: a student's teachers are not in the study, or a log is not as `own_features` expects.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> transfer(example_study())[["teacher", "lacked", "taken_over"]].values.tolist()[:2]
        [['single-00', 4, 4], ['single-01', 3, 3]]
    """
    grown = growth(study)
    rows = [row for student in study.students for row in _rows(study, student, grown[grown["run"] == student.label])]

    table = pd.DataFrame(rows).assign(rule=str(study.rule)).reindex(columns=list(_TABLE))
    table.attrs["rule"] = _RULE.format(study.rule)
    return table


def panel(study: Study) -> Panel | None:
    """Return the panel of the share that each student took over from each of its teachers."""
    table = transfer(study)
    if not len(table):
        return None

    figure, axes = canvas(WIDTH, 0.9 + 0.24 * table["run"].nunique(), margin=0.12)
    draw(table, axes[0])
    caption = (
        "Of the features that a teacher had and the student's own initialisation does not win, the share that the "
        "student learned, a dot for each teacher. Line: the 95 % interval (Wilson) of one teacher's, or from the least "
        "to the largest of several. Grey: what the teachers, without a teacher themselves, learned of such features. "
        "To the right, how many; a feature that several teachers have counts for each."
    )
    return Panel("transfer", "From which teacher", caption, table, figure)


def draw(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one row a student: the share taken over from each teacher, and the null.

    Where a student had one teacher the line is the share's interval, else it goes from the least to the largest share.

    Args:
        frame: Table of `transfer`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> draw(transfer(example_study()), canvas(6, 4)[1][0]).get_xlabel()
        'share taken over'
    """
    names, counts, place = [], [], frame["run"].map({run: row for row, run in enumerate(frame["run"].unique())})
    for row, part in frame.groupby(place, sort=True):
        one = len(part) == 1
        ax.hlines(row, part["low" if one else "share"].min(), part["high" if one else "share"].max(), color=GOOD)
        names.append(_name(part))
        counts.append(f"{part['taken_over'].sum()} of {part['lacked'].sum()}")
    (dots,) = ax.plot(frame["share"], place, "o", color=GOOD, markersize=5, alpha=0.7, clip_on=False)
    (null,) = ax.plot(frame["null"], place, "|", color=MUTED, markersize=11, markeredgewidth=2, clip_on=False)

    rows_named(ax, names, edge=0.6, fontsize=7.5)
    ax.set(xlim=(-0.02, 1.02), xlabel="share taken over")
    right = ax.secondary_yaxis("right")
    right.set_yticks(range(len(counts)), counts)
    right.spines["right"].set_visible(False)
    right.tick_params(length=0, labelcolor=INK, labelsize=8)
    key(ax, [(dots, "of what a teacher had and the student lacked"), (null, "without a teacher")])
    return ax


def _rows(study: Study, student: LogLike, grown: pd.DataFrame) -> list[dict[str, object]]:
    """Return one row for each teacher, from the rows of `growth` of one student."""
    own, learned = (grown[name].to_numpy(dtype=bool) for name in ("own", "learned"))
    null = np.mean([_without_teacher(study, teacher) for teacher in study.teachers(student)])
    who = {"run": student.label, "role": student.manifest.role, "variant": student.manifest.variant}

    return [
        {**who, "teacher": teacher, **_taken_over(known.to_numpy(dtype=bool) & ~own, learned), "null": null}
        for teacher, known in taught_by(study, student).items()
    ]


def _without_teacher(study: Study, log: LogLike) -> float:
    """Return the share that the run learned of those features that are not its own; NaN if it had a teacher itself."""
    missing = ~own_features(study, log)

    return float(race_sets(study, [log])[0][missing].mean()) if missing.any() and not log.manifest.parents else np.nan


def _taken_over(lacked: np.ndarray, learned: np.ndarray) -> dict[str, object]:
    taken = int(learned[lacked].sum())
    share = rate(taken, int(lacked.sum())) if lacked.any() else Estimate(np.nan, np.nan, np.nan, 0)

    return {
        "lacked": int(lacked.sum()),
        "taken_over": taken,
        "share": share.value,
        "low": share.low,
        "high": share.high,
    }


def _name(rows: pd.DataFrame) -> str:
    teachers = f"{len(rows)} teachers" if len(rows) > 1 else _short(rows["teacher"].iloc[0])

    return f"{_short(rows['run'].iloc[0])} from {teachers}"


def _short(run: str) -> str:
    """Return a run's name without the hash of its specification."""
    head, _, tail = run.rpartition("-")

    return head if head and len(tail) == 8 else run
