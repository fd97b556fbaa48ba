import re

import numpy as np
import pytest
from scipy import stats

from probes.analysis import Study, growth, growth_over_control, timing
from probes.analysis.findings.growth import _courses
from probes.analysis.intervals import less, rate
from probes.errors import LogError
from tests.analysis.general import grown, tap_log


def study(runs):
    """A study of runs that end with some features: name -> (features, *parents)."""
    return Study([grown(features, run=name, seed=number, parents=tuple(parents))
                  for number, (name, (features, *parents)) in enumerate(runs.items())])  # fmt: skip


ENSEMBLE = {
    "t0": ([0, 1],),
    "t1": ([2],),
    "c0": ([0, 5],),
    "c1": ([3],),
    "s0": ([0, 1, 2, 4], "t0", "t1"),
    "s1": ([0, 2], "t0", "t1"),
}


def test_each_feature_has_who_taught_it_and_how_many_untaught_runs_have_it():
    table = growth(study(ENSEMBLE)).query("run == 's0'")

    assert table["taught"].tolist() == [True, True, True, False, False, False]
    assert table["teachers"].tolist() == ["t0", "t0", "t1", "", "", ""]
    assert table["learned"].tolist() == [True, True, True, False, True, False]
    assert table["control"].tolist() == [0.5, 0, 0, 0.5, 0, 0.5]


def test_the_crossing_is_that_of_the_timing():
    found = study(ENSEMBLE)
    expected, crossing = (table(found).query("run == 's1'")["crossing"] for table in (timing, growth))

    assert expected.notna().tolist() == [True, False, True, False, False, False]
    assert crossing.reset_index(drop=True).equals(expected.reset_index(drop=True))


def test_the_gain_is_that_over_runs_without_teachers_that_taught_nothing():
    row = growth_over_control(study(ENSEMBLE)).iloc[0]
    students, controls = [3 / 3, 2 / 3], [1 / 3, 0 / 3]
    reach = stats.ttest_ind(students, controls).confidence_interval(0.95)

    assert (row["share"], row["control_share"]) == (pytest.approx(5 / 6), pytest.approx(1 / 6))
    assert (row["gain"], row["low"], row["high"]) == pytest.approx((4 / 6, reach.low, reach.high))
    assert (row["students"], row["controls"], row["beyond"]) == (2, 2, 1)


def test_where_all_members_are_teachers_each_is_asked_for_what_the_others_know():
    found = growth_over_control(study({
        "t0": ([0, 1],), "t1": ([1, 2],), "t2": ([0, 3],), "s": ([0, 1, 2, 3], "t0", "t1", "t2"),
    })).iloc[0]  # fmt: skip
    # t0 of {0, 1, 2, 3}; t1 of {0, 1, 3}; t2 of {0, 1, 2}
    shares = [2 / 4, 1 / 3, 1 / 3]

    assert found["control_share"] == pytest.approx(np.mean(shares))
    assert found["controls"] == 3
    assert found["share"] == 1


def test_a_teacher_alone_is_no_control_of_itself():
    row = growth_over_control(study({"t": ([0],), "s": ([0, 1], "t")})).iloc[0]

    assert (row["share"], row["controls"], row["beyond"]) == (1, 0, 1)
    assert row[["control_share", "gain", "low", "high"]].isna().all()


def test_one_student_and_one_control_have_a_gain_and_no_interval():
    row = growth_over_control(study({"t": ([0, 1],), "c": ([1],), "s": ([0, 1], "t")})).iloc[0]

    assert (row["gain"], row["controls"]) == (0.5, 1)
    assert row[["low", "high"]].isna().all()


def test_runs_that_are_all_equal_have_an_interval_over_features():
    runs = {"t": ([0, 1, 2, 3],), "c0": ([0],), "c1": ([1],), "s0": ([0, 1, 2, 3], "t"), "s1": ([0, 1, 2, 3], "t")}
    row = growth_over_control(study(runs)).iloc[0]
    expected = less(rate(4, 4), rate(1, 4))

    assert (row["gain"], row["low"], row["high"]) == pytest.approx(expected[:3])
    assert row["low"] < 0.6


def test_teachers_that_know_nothing_teach_nothing():
    row = growth_over_control(study({"t": ([],), "c": ([1],), "s": ([0, 1], "t")})).iloc[0]

    assert np.isnan(row["share"])
    assert row["beyond"] == 2


def test_kinds_of_students_are_rows():
    logs = list(study(ENSEMBLE).logs)
    more = [grown([0], run=f"d{number}", role="distilled", variant=variant, parents=("t0",))
            for number, variant in enumerate(["stopped", "literal", "stopped"])]  # fmt: skip

    table = growth_over_control([*logs, *more])
    assert table[["role", "variant", "students"]].values.tolist() == [
        ["", "", 2], ["distilled", "stopped", 2], ["distilled", "literal", 1],
    ]  # fmt: skip


def test_a_study_without_students_says_what_to_record():
    message = (
        "expected students, runs that name their teachers as `parents`, got none; record one with "
        "`Recorder(..., parents=[...])` or `probes record --parent RUN`"
    )
    for table in (growth, growth_over_control):
        with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
            table(grown([0]))


def test_students_without_their_teachers_say_which():
    message = (
        "expected the students' teachers, lost, t, among the runs with `w`, got none of a student's complete; analyse "
        "the folder above both"
    )
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        growth([grown([0], run="t"), grown([0], run="s", parents=("t", "lost"))])


def test_a_student_whose_teacher_is_missing_does_not_stop_the_others():
    logs = [*study(ENSEMBLE).logs, grown([0], run="x", parents=("lost",))]

    assert growth(logs)["run"].unique().tolist() == ["s0", "s1"]


def test_lines_are_those_of_the_features_that_were_taught():
    """An axis called `feature` holds the users' features, and not the numbers of lines."""
    found = study(ENSEMBLE)
    rows = growth(found)
    courses = _courses(found, found.tap(), rows)
    last = courses[courses["step"] == courses["step"].max()]

    peaks = {run: np.abs(np.asarray(log["w"])[-1]).max(axis=0) for run, log in zip(ENSEMBLE, found.logs, strict=True)}
    for run in ("s0", "c1"):
        values = sorted(last.loc[last["run"] == run, "value"])
        assert values == pytest.approx(sorted(peaks[run][[1, 2]]))  # 0 is taught, and half of the controls have it


def test_taps_of_other_widths_can_teach():
    wide = tap_log(np.concatenate([np.full((1, 9, 6), 0.01), np.full((1, 9, 6), 2.0)]), "t")

    assert growth([wide, grown([0], run="s", parents=("t",))])["taught"].all()
