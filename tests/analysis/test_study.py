import re
from dataclasses import replace

import numpy as np
import pytest

from probes.analysis import RULE, LearnedRule, Study, features, learned, open_study, runs, winners
from probes.analysis.findings.contents import tables
from probes.analysis.study import as_study
from probes.errors import LogError, RunError
from probes.log.layout import Series
from probes.log.manifest import Manifest, read_manifest, write_manifest
from probes.log.memory import memory_log
from probes.log.reader import open_log
from probes.log.writing.writer import RunWriter
from tests.analysis.general import basis, grown, tap_log

SERIES = (Series("w", ("neuron", "feature"), (2, 3), quantity="correlation"),)


def labels(logs):
    return [log.label for log in logs]


def record(folder, steps=2, **facts):
    folder.mkdir(parents=True)
    with RunWriter(folder, Manifest(facts.pop("run_id", folder.name), SERIES, **facts)) as writer:
        for step in range(steps):
            writer.append(step, {"w": np.full((2, 3), step + 1, "f4")})
    return folder


def family(**options):
    """Two members and a student of both, whose roles say the opposite."""
    first, second = grown([0], run="a", role="student"), grown([1], run="b", role="distilled")
    return Study([first, second, grown([0, 1], run="c", role="teacher", parents=("a", "b"))], **options)


def test_parents_and_not_roles_say_who_is_a_student():
    study = family()

    assert labels(study.members) == ["a", "b"]
    assert labels(study.students) == ["c"]
    assert labels(study.teachers(study.students[0])) == ["a", "b"]


def test_globs_choose_members_and_students():
    study = family(members="[bc]", students="a")

    assert (labels(study.members), labels(study.students)) == (["b", "c"], ["a"])


@pytest.mark.parametrize("kind", ["members", "students"])
def test_a_glob_that_matches_nothing_is_refused(kind):
    message = f"expected {kind} among the runs a, b, c; got `x*`, which matches none"
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        getattr(family(**{kind: "x*"}), kind)


def test_a_run_of_several_networks_is_no_member():
    study = Study([grown([0], run="a"), grown([0], run="b", networks=2)])

    assert labels(study.members) == ["a"]
    assert labels(study.usable) == ["a", "b"]


@pytest.mark.parametrize("status", ["failed", "diverged"])
def test_failed_and_empty_runs_are_in_no_finding(status):
    study = Study([grown([0]), grown([0], run="b", status=status), tap_log(np.zeros((0, 3, 6)), "c")])

    assert labels(study.usable) == ["a"]
    assert set(study.learned()["run"]) == {"a"}
    assert study.runs()["status"].tolist() == ["finished", status, "finished"]


def test_a_log_alone_is_a_study_of_one_run():
    assert labels(Study(grown([0])).logs) == ["a"]


def test_logs_a_path_and_a_study_are_sources(tmp_path):
    study = open_study(record(tmp_path / "a").parent)

    assert as_study(study) is study
    for source in (
        study,
        tmp_path,
        str(tmp_path),
        tmp_path / "a",
        open_log(tmp_path / "a"),
        [open_log(tmp_path / "a")],
    ):
        assert learned(source)["run"].tolist() == ["a"] * 3


def test_a_folder_without_runs_is_refused(tmp_path):
    message = f"expected runs under `{tmp_path}`, got no run.json in or below it; name another directory"
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        open_study(tmp_path)


def test_a_run_that_ends_after_opening_does_not_change_the_study(tmp_path):
    record(tmp_path / "a")
    study = open_study(tmp_path)
    write_manifest(tmp_path / "a", replace(read_manifest(tmp_path / "a"), status="diverged"))

    assert labels(study.usable) == ["a"]
    assert study.runs()["status"].tolist() == ["finished"]
    assert labels(open_study(tmp_path).usable) == []


def test_rows_that_come_after_opening_are_not_read(tmp_path):
    (tmp_path / "a").mkdir()
    with RunWriter(tmp_path / "a", Manifest("a", SERIES)) as writer:
        writer.append(0, {"w": np.ones((2, 3), "f4")})
        writer.flush()
        study = open_study(tmp_path)
        writer.append(1, {"w": np.ones((2, 3), "f4")})
        writer.flush()

        assert study.runs()[["status", "last_step"]].values.tolist() == [["recording", 0]]
        assert study.features()["step"].max() == 0
        assert open_study(tmp_path).features()["step"].max() == 1


def test_a_missing_teacher_is_named_and_the_rest_stands():
    study = Study([grown([0], run="a"), grown([0], run="c", parents=("a", "lost"))])

    assert dict(study.missing_teachers) == {"c": ["lost"]}
    assert labels(study.teachers(study.students[0])) == ["a"]
    assert study.runs()["faults"].tolist() == ["", "expected its teachers among the runs, lost missing"]
    assert len(study.winners()) == 12


def test_runs_of_one_id_are_told_apart_by_their_paths(tmp_path):
    for folder in ("one", "two"):
        record(tmp_path / folder / "a")
        record(tmp_path / folder / "s", parents=("a",))
    study = open_study(tmp_path)

    assert labels(study.members) == ["one/a", "two/a"]
    assert [labels(study.teachers(student)) for student in study.students] == [["one/a"], ["two/a"]]


@pytest.mark.parametrize("below", ["", "students"])
def test_a_student_of_a_name_of_its_own_has_the_teacher_that_lies_nearest(tmp_path, below):
    for folder in ("one", "two"):
        record(tmp_path / folder / below.replace("students", "teachers") / "a")
        record(tmp_path / folder / below / f"student-{folder}", parents=("a",))
    study = open_study(tmp_path)
    found = {student.label: labels(study.teachers(student))[0].split("/")[0] for student in study.students}

    assert found == {"student-one": "one", "student-two": "two"}


def test_two_teachers_that_lie_as_near_are_none(tmp_path):
    for folder in ("one/a", "two/a"):
        record(tmp_path / folder)
    record(tmp_path / "s", parents=("a",))

    assert dict(open_study(tmp_path).missing_teachers) == {"s": ["a"]}


def test_two_runs_of_one_label_are_refused():
    message = (
        "expected runs of different names, got `a` twice; open the folder above both by `open_study`, which tells them "
        "apart by their paths, or each study by itself"
    )
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        Study([grown([0]), grown([1])])


def test_a_run_that_cannot_be_read_is_named_and_the_rest_stands(tmp_path):
    for name in ("a", "b"):
        record(tmp_path / name)
    [file] = (tmp_path / "b").glob("log.h5")
    file.write_bytes(b"no HDF5")
    study = open_study(tmp_path)

    assert labels(study.usable) == ["a"]
    assert set(study.unreadable) == {"b"}
    assert study.runs()["faults"].tolist() == ["", study.unreadable["b"]]
    assert (study.cost()["run"].tolist(), set(study.learned()["run"])) == (["a"], {"a"})


def test_findings_are_methods():
    study = Study(grown([0]))

    assert study.winners().equals(winners(study))
    assert set(tables()) <= set(dir(study))


def test_what_is_no_finding_is_no_attribute():
    study = Study(grown([0]))
    message = f"a Study has no attribute or finding 'nothing'; one of {', '.join(dir(study))}"
    with pytest.raises(AttributeError, match=f"^{re.escape(message)}$"):
        study.nothing  # noqa: B018 - being asked for is what is tested
    with pytest.raises(AttributeError, match=r"^a Study has no attribute '_nothing'$"):
        study._nothing  # noqa: B018


def test_different_directions_under_one_name_are_refused():
    first, second = basis(("feature",), (3,)), basis(("feature",), (3,), length=2)
    logs = [tap_log(np.ones((1, 2, 3)), run, directions=found) for run, found in (("a", first), ("b", second))]
    message = (
        f"expected the same directions for `w` in all runs, got (feature=3) of hash {first.sha256[:8]} in run `a` and "
        f"(feature=3) of hash {second.sha256[:8]} in run `b`; analyse the runs of each by themselves"
    )
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        Study(logs).winners()


def test_runs_of_different_taps_are_analysed_tap_by_tap():
    study = Study([grown([0], run="a"), grown([1], run="b", name="v"), grown([2], run="c", name="v")])

    assert list(study.taps) == ["w", "v"]
    assert [study.learned(tap)["run"].unique().tolist() for tap in ("w", "v")] == [["a"], ["b", "c"]]


@pytest.mark.parametrize(("name", "got"), [(None, "`tap`"), ("x", "a tap called `x`")])
def test_a_tap_that_is_not_known_is_refused(name, got):
    study = Study([grown([0], run="a"), grown([1], run="b", name="v")])
    with pytest.raises(LogError, match=f"^expected {got}, one of w, v; name it as recorded$"):
        study.winners(name)


def test_correlations_go_before_other_taps():
    study = Study([grown([0], run="a"), grown([1], run="b", name="correlations")])

    assert study.tap().name == "correlations"


def test_a_study_without_a_tap_is_refused():
    series = tuple(Series(f"s{number}", ("neuron",), (2,)) for number in range(6))
    log = memory_log(Manifest("a", series), [0], {one.name: np.zeros((1, 2)) for one in series})
    message = (
        "expected a tap, that is a parameter recorded with directions, got `s0`, `s1`, `s2`, `s3`, `s4`, ...; record "
        "one: `Recorder(path, {parameter: probes.Directions(...)})`, or `probes record --tap NAME=FILE`"
    )
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        Study(log).winners()


def test_the_rule_of_the_study_counts():
    log = grown([0])

    assert Study(log).rule is RULE
    assert Study(log, rule=LearnedRule(excess=1000)).learned()["learned"].sum() == 0


def test_a_study_says_who_is_in_it():
    assert repr(family()) == "Study(3 runs: 2 members, 1 students; taps: w)"


def test_the_table_of_runs_says_who_is_who():
    log = grown([0], run="b", name="w", role="distilled", variant="stopped", parents=("a", "c"), continues="d")

    assert runs(log).iloc[0].to_dict() == {
        "run": "b",
        "name": "",
        "role": "distilled",
        "variant": "stopped",
        "status": "finished",
        "first_step": 0,
        "last_step": 4,
        "rows": 5,
        "parents": "a c",
        "continues": "d",
        "faults": "expected its teachers among the runs, a, c missing",
    }


def test_features_of_a_step_that_no_run_has_are_no_row():
    assert features(grown([0]), steps=[99]).empty
