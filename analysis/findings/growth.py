"""What distillation added: features that students have, their teachers have, and runs without teachers do not."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from probes.analysis.findings.controls import control_shares, controls_of, flat_sets, gain, known_to_one
from probes.analysis.findings.features import features
from probes.analysis.findings.learned import learned
from probes.analysis.findings.timing import timing
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import GOOD, INK, WIDTH, canvas, key, logarithmic, stroke
from probes.analysis.plots.marks import thin_lines
from probes.analysis.study import Study, finding
from probes.analysis.taps.tap import Tap
from probes.errors import LogError
from probes.log.protocol import LogLike

__all__ = ["COLUMNS", "PANELS", "draw", "gains_panel", "growth", "growth_over_control", "panel"]

COLUMNS = {
    "taught": "whether at least one teacher has learned the feature",
    "teachers": "those of the student's teachers that have learned it",
    "learned": "whether the student has learned it",
    "control": "share of the runs without teachers that have learned it, the student's own teachers left out where "
    "there are others",
    "crossing": "step from which on it counts as learned for good; empty where it is not learned at the end",
    "share": "share of the features that its teachers know and that the student has learned",
    "control_share": "null: the same of runs without teachers, mean over them",
    "gain": "share - control_share",
    "low": "lower end of the 95 % interval of the gain",
    "high": "upper end of the 95 % interval of the gain",
    "controls": "number of runs without teachers",
    "beyond": "features that the student has learned and no teacher of it",
}

# Features whose lines are drawn.
_LINES = 60
_NONE = (
    "expected students, runs that name their teachers as `parents`, got none; record one with "
    "`Recorder(..., parents=[...])` or `probes record --parent RUN`"
)


@finding
def growth(study: Study, tap: str | None = None) -> pd.DataFrame:
    """Return one row per (student, feature): whether it was taught, learned, and how many untaught runs learned it.

    What distillation can have added are the features that are taught; that it did, only those that runs without
    teachers, the control, do not learn by themselves.

    Args:
        study: A study, logs, or a path.
        tap: The series; the only one, or "correlations", where it is not given.

    Raises:
        LogError: there is no such tap, or the study has no student.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = growth(Study(example_study()))
        >>> table.loc[table["taught"], ["learned", "control"]].mean().round(2).to_dict()
        {'learned': 1.0, 'control': 0.6}
    """
    chosen = study.tap(tap)
    table = learned(study, chosen.name)
    crossings = timing(study, chosen.name)
    rows = [_student(study, chosen, student, table, crossings) for student in _students(study, chosen)]

    found = pd.concat(rows, ignore_index=True)
    found.attrs["rule"] = table.attrs["rule"]
    return found


@finding
def growth_over_control(study: Study, tap: str | None = None) -> pd.DataFrame:
    """Return one row per (role, variant) of students: what they have of their teachers' features, beside the control.

    The control are runs without teachers. Where there are others than a student's own teachers it is these; else the
    teachers themselves, each asked for what the other teachers know. The interval of the gain is Student's t of the
    difference between students and controls, over runs, or that over features where all of each are equal; with fewer
    than three runs in all it is empty.

    Args:
        study: A study, logs, or a path.
        tap: The series; the only one, or "correlations", where it is not given.

    Raises:
        LogError: there is no such tap, or the study has no student.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = growth_over_control(Study(example_study()))
        >>> table[["role", "variant", "share", "control_share"]].round(2).values.tolist()[0]
        ['distilled', 'stopped', 1.0, 0.53]
    """
    chosen = study.tap(tap)
    kinds: dict[tuple[str, str], list[LogLike]] = {}
    for student in _students(study, chosen):
        kinds.setdefault((student.manifest.role, student.manifest.variant), []).append(student)
    rows = [_kind(study, chosen, kind, students) for kind, students in kinds.items()]

    found = pd.DataFrame(rows)
    found.attrs["rule"] = learned(study, chosen.name).attrs["rule"]
    return found


def _students(study: Study, tap: Tap) -> Sequence[LogLike]:
    """Return the students with the tap whose teachers, all of them, have recorded it, too."""
    students = study.with_tap(tap, study.students)
    if not students:
        raise LogError(_NONE)
    complete = [
        student
        for student in students
        if student.label not in study.missing_teachers
        and len(study.with_tap(tap, study.teachers(student))) == len(student.manifest.parents)
    ]
    if not complete:
        missing = sorted({name for student in students for name in student.manifest.parents})
        raise LogError(
            f"expected the students' teachers, {', '.join(missing)}, among the runs with `{tap.name}`, got none of a "
            "student's complete; analyse the folder above both"
        )
    return complete


def _student(study: Study, tap: Tap, student: LogLike, table: pd.DataFrame, crossings: pd.DataFrame) -> pd.DataFrame:
    teachers = study.teachers(student)
    taught = flat_sets(study, tap, teachers)
    controls = flat_sets(study, tap, controls_of(study, tap, teachers))
    names = np.array([teacher.label for teacher in teachers], dtype=object)
    rows = table[table["run"] == student.label]
    crossing = crossings.loc[crossings["run"] == student.label, "crossing"]

    return rows[["run", "role", "variant", *tap.columns]].assign(
        taught=known_to_one(taught),
        teachers=[" ".join(names[known]) for known in taught.T],
        learned=rows["learned"],
        control=controls.mean(axis=0) if len(controls) else np.nan,
        crossing=crossing.array,
        strength=rows["strength"],
        peak=rows["peak"],
    )


def _kind(study: Study, tap: Tap, kind: tuple[str, str], students: Sequence[LogLike]) -> dict[str, object]:
    shares: list[float] = []
    controls: dict[str, list[float]] = {}
    beyond = asked = 0
    for student in students:
        teachers = study.teachers(student)
        taught = known_to_one(flat_sets(study, tap, teachers))
        own = flat_sets(study, tap, [student])[0]
        beyond += int((own & ~taught).sum())
        asked = asked or int(taught.sum())
        if taught.any():
            shares.append(float(own[taught].mean()))
            for label, value in control_shares(study, tap, teachers, taught):
                controls.setdefault(label, []).append(value)
    row: dict[str, object] = {"role": kind[0], "variant": kind[1], "students": len(students)}
    values = [float(np.mean(found)) for found in controls.values()]  # one for each run, whoever its students
    found = gain(shares, values, asked=asked)

    return row | {
        "share": float(np.mean(shares)) if shares else np.nan,
        "control_share": float(np.mean(values)) if values else np.nan,
        "gain": found.value,
        "low": found.low,
        "high": found.high,
        "controls": len(values),
        "beyond": beyond,
    }


def panel(study: Study, tap: Tap) -> Panel:
    """Return the panel of what distillation added: how taught features grow, with and without a teacher."""
    table, gains = growth(study, tap.name), growth_over_control(study, tap.name)
    kinds = {_called(str(row.role), str(row.variant)): row for row in gains.itertuples()}

    figure, axes = canvas(min(WIDTH, 2.6 * len(kinds) + 1), 3, columns=len(kinds), sharey=True)
    for ax, (name, row) in zip(axes, kinds.items(), strict=True):
        rows = table[(table["role"] == row.role) & (table["variant"] == row.variant)]
        draw(_courses(study, tap, rows), ax, title=name)
        ax.label_outer()
    key(figure, [(stroke(GOOD, 2.4), "students"), (stroke(INK, 2.4), "runs without teachers")])
    said = "; ".join(f"{name}: {_gain_said(row)}" for name, row in kinds.items())
    caption = (
        "Features that a teacher has learned and fewer than half of the runs without teachers: thin, one feature of "
        f"one run; bold, their median. Of all that teachers know, students have learned {said}. Null: what runs "
        f"without teachers have of it. Learned means: {table.attrs['rule']}."
    )
    return Panel("growth", "What distillation added", caption, table, figure)


def gains_panel(study: Study, tap: Tap) -> Panel:
    """Return the panel of what students have beside runs without teachers, a table of one row a kind."""
    table = growth_over_control(study, tap.name)
    caption = (
        "Of what their teachers know, the share that students have learned, beside the same of runs without teachers; "
        "the interval of the gain is Student's t over runs."
    )
    return Panel("gains", "What students have beside runs without teachers", caption, table, opened=True)


PANELS = (panel, gains_panel)


def draw(courses: pd.DataFrame, ax: Axes, *, title: str = "") -> Axes:
    """Return the axes with one thin line a feature and run against the step, medians in bold.

    Args:
        courses: Columns step, run, feature, value and student, whether the run is one.
        ax: Where to draw.
        title: What kind of students these are.
    """
    for student, colour in ((False, INK), (True, GOOD)):
        rows = courses[courses["student"] == student]
        thin_lines(ax, rows.pivot_table(index="step", columns=["run", "feature"], values="value"), colour)
    ax.set(xlabel="step", ylabel=courses.attrs.get("statistic", "peak"))
    ax.set_title(title, fontsize=8.5)
    if len(courses) and courses["value"].gt(0).any():
        logarithmic(ax)
    ax.margins(x=0)
    return ax


def _courses(study: Study, tap: Tap, rows: pd.DataFrame) -> pd.DataFrame:
    """Return how the features that are taught, and seldom learned without a teacher, grow in students and controls."""
    statistic = "strength" if tap.own_class or not tap.units else "peak"
    names = list(tap.columns)
    wanted = rows[rows["taught"] & ~(rows["control"] >= 0.5)].drop_duplicates(names)[names].head(_LINES)
    students = set(rows["run"].astype(str))
    controls = {log.label for log in study.with_tap(tap, study.members)}

    table = features(study, tap.name)
    table = table[table["run"].astype(str).isin(students | controls)].merge(wanted, on=names)
    found = table[["step"]].assign(
        feature=table.groupby(names, observed=True).ngroup(),
        run=table["run"].astype(str),
        value=table[statistic],
        student=table["run"].astype(str).isin(students),
    )
    found.attrs["statistic"] = statistic
    return found


def _called(role: str, variant: str) -> str:
    return (f"{role} ({variant})" if variant else role) or "students"


def _gain_said(row: Any) -> str:
    if np.isnan(row.share):
        return "nothing, as their teachers know nothing"
    ends = "" if np.isnan(row.low) else f", 95 % {row.low:.1%} to {row.high:.1%}"

    return f"{row.share:.1%} against {row.control_share:.1%} (gain {row.gain:+.1%}{ends}; {row.controls} controls)"
