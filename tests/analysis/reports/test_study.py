import io
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from probes.analysis import Study, example_study, report
from probes.analysis.plots.canvas import COLUMN, TWO_COLUMNS
from probes.analysis.reports.files import write_report
from probes.analysis.theory.example import Sizes
from probes.errors import LogError
from probes.log import Manifest, Series, StoredDirections, memory_log
from tests.analysis.hand import log_of, race

LOGS = example_study(Sizes(classes=3, steps=60, singles=3))
OPENING = ["winners", "coverage", "growth", "claims", "race_matrix"]


@pytest.fixture(scope="module")
def found():
    return report(LOGS)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("findings") / "new" / "folder"
    return folder, write_report(report(LOGS), folder)


def panels(logs):
    return [panel.name for panel in report(logs).panels]


def test_a_whole_study_opens_with_the_three_questions_and_ends_with_the_runs(found):
    names = [panel.name for panel in found.panels]

    assert names[: len(OPENING)] == OPENING
    assert names[-4:] == ["learned", "scalars", "cost", "runs"]
    assert {"error_rates", "pairs", "race_single", "race_distilled", "summary"} < set(names)
    assert len(names) == len(set(names))


def test_findings_are_files_of_which_the_report_is_first(written):
    folder, paths = written

    assert paths[0].name == "report.html"
    assert sorted(paths) == sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    assert {path.suffix for path in paths} == {".html", ".csv", ".png", ".svg"}


def test_tables_can_be_read_back(written):
    for panel in report(LOGS).panels:
        table = pd.read_csv(written[0] / f"{panel.name}.csv")
        assert list(table.columns) == list(panel.table.columns)
        assert len(table) == len(panel.table)


def test_an_earlier_report_is_replaced(tmp_path):
    (tmp_path / "report.html").write_text("old")
    Study(log_of(np.zeros((2, 3, 4)), dims=("neuron", "feature"))).report(tmp_path)

    assert "old" not in (tmp_path / "report.html").read_text()[:100]


def random_log(run="a", axes=("frequency",), shape=(9,), units=("neuron",), unit_shape=(6,), steps=8, **facts):
    """A log of a network of one's own, with what it learns: the first unit's first feature grows, the rest does not."""
    draw = np.random.default_rng(sum(map(ord, run)))
    values = draw.normal(size=(steps, *unit_shape, *shape)).astype("f4")
    values[1:, *(0,) * (len(unit_shape) + len(shape))] += 20
    manifest = Manifest(run, (Series("w", (*units, *axes), values.shape[1:]),), **{"status": "finished", **facts})
    directions = StoredDirections(axes, np.random.default_rng(0).normal(size=(*shape, 20)))
    return memory_log(manifest, np.arange(steps), {"w": values}, directions=directions)


@pytest.mark.parametrize(
    ("axes", "shape", "units", "unit_shape"),
    [
        (("frequency",), (9,), ("neuron",), (6,)),
        (("feature_class", "view"), (4, 3), ("neuron",), (6,)),
        (("token",), (7,), ("head", "neuron"), (2, 3)),
        (("feature_class", "view"), (3, 3), ("class", "neuron"), (3, 4)),
        (("feature",), (5,), (), ()),
    ],
)
def test_a_network_of_ones_own_has_a_report_whatever_its_axes(axes, shape, units, unit_shape):
    logs = [random_log(f"seed-{n}", axes, shape, units, unit_shape) for n in range(3)]
    logs.append(random_log("student", axes, shape, units, unit_shape, parents=("seed-0", "seed-1")))
    found = report(logs)
    found.render(io.StringIO())

    assert [panel.name for panel in found.panels][:3] == ["winners", "coverage", "growth"]
    assert {"trajectories", "learned", "summary", "cost", "runs"} <= {panel.name for panel in found.panels}
    assert found.claims is None


def test_nobody_elses_network_is_told_that_a_theorem_fails():
    stream = io.StringIO()
    report([random_log("seed-0"), random_log("seed-1")]).render(stream)

    assert "claims-table" not in stream.getvalue()
    assert "Theorem" not in stream.getvalue()


def test_several_taps_have_sections_of_their_own_and_the_first_answers_the_questions():
    values = np.abs(np.random.default_rng(0).normal(size=(4, 3, 5)))
    series = tuple(Series(name, ("neuron", "feature"), (3, 5)) for name in ("one.weight", "two.weight"))
    manifest = Manifest("a", series)
    log = memory_log(manifest, np.arange(4), {"one.weight": values, "two.weight": values})
    found = report([log])
    names = [panel.name for panel in found.panels]

    assert found.opening == ["winners-one.weight"]
    assert {"winners-one.weight", "winners-two.weight", "learned-two.weight", "runs"} <= set(names)
    assert report([log], tap="two.weight").panels[0].name == "winners"


def test_a_run_without_a_tap_has_a_report_that_says_what_to_record():
    log = log_of(np.zeros((2, 3)), name="0.weight.norm", dims=("neuron",))
    found = report(log)

    assert [panel.name for panel in found.panels] == ["quantities", "summary", "cost", "runs"]
    assert found.absent["what was won, what is covered, what distillation added"] == (
        "expected a tap, that is a parameter recorded with directions, got `0.weight.norm`; record one: "
        "`Recorder(path, {parameter: probes.Directions(...)})`, or `probes record --tap NAME=FILE`"
    )


def test_a_teacher_that_is_missing_is_named_and_the_rest_stands():
    found = report([random_log("seed-0"), random_log("seed-1"), random_log("student", parents=("lost",))])

    assert found.absent["teachers of student"] == ("expected lost among the runs, got none of that id that can be used")
    assert {"winners", "coverage", "runs"} <= {panel.name for panel in found.panels}


def test_a_run_whose_evaluation_cannot_be_read_is_named_and_the_rest_stands(monkeypatch):
    logs = [log_of(race([[0], [1]]), run, role="single") for run in ("good", "bad")]
    refusal = LogError("refused `evaluation.h5`: damaged; evaluate the run again")
    sets = property(lambda log: throw(refusal) if log.label == "bad" else {})
    monkeypatch.setattr(type(logs[0]), "output_sets", sets)
    found = report(logs)

    assert {panel.name for panel in found.panels} >= {"winners", "learned", "runs"}
    assert found.absent["run bad"] == str(refusal)
    with pytest.raises(LogError, match=r"got `bad` refused `evaluation\.h5`: damaged; evaluate the run again$"):
        report(logs[1:])


def throw(error):
    raise error


@pytest.mark.parametrize(
    ("logs", "line"),
    [
        ([], "expected a run with a recorded step that neither diverged nor failed, got no run at all"),
        (
            [log_of(race([[0], [1]]), status="diverged")],
            "expected a run with a recorded step that neither diverged nor failed, got `a` diverged",
        ),
    ],
)
def test_a_study_without_a_usable_run_is_refused_in_one_line(logs, line):
    with pytest.raises(LogError, match=f"^{re.escape(line)}$"):
        report(logs)


def test_the_facts_say_what_was_studied(found):
    assert found.facts["runs"] == "3 without teachers, 3 students"
    assert (found.facts["classes k"], found.facts["μ"], found.facts["q"]) == ("3", "0.04", "3")


@pytest.mark.parametrize(
    ("study", "title"), [("", "Findings of 1 runs"), ("0123456789abcdef", "Findings of 1 runs, study 01234567")]
)
def test_the_title_names_the_study(study, title):
    assert report(log_of(race([[0], [1]]), study=study)).title == title


def test_figures_for_papers_are_one_or_two_columns_wide(tmp_path):
    paths = write_report(report(LOGS[-1:]), tmp_path, paper=True)
    widths = {imread(path).shape[1] for path in paths if path.parent.name == "paper" and path.suffix == ".png"}

    assert widths == {round(300 * COLUMN), round(300 * TWO_COLUMNS)}
    assert (tmp_path / "paper" / "winners.svg").exists()


def test_tables_as_parquet_hold_every_digit(tmp_path, found):
    write_report(replace(found, panels=found.panels[-4:]), tmp_path, parquet=True)
    table = found.panels[-4].table

    assert pd.read_parquet(tmp_path / "learned.parquet")["strength"].tolist() == table["strength"].tolist()


def test_parquet_without_pyarrow_is_refused_in_one_line(tmp_path, found, monkeypatch):
    monkeypatch.setattr(pd.DataFrame, "to_parquet", lambda *_, **__: throw(ImportError("no engine")))
    line = "expected pyarrow, which Parquet files need, got none installed; pip install 'feature-probes[parquet]'"

    with pytest.raises(LogError, match=f"^{re.escape(line)}$"):
        write_report(found, tmp_path, parquet=True)
