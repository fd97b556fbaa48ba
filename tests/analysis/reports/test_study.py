import io
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from probes.analysis import example_study, report, write_findings
from probes.analysis.plots.canvas import COLUMN, TWO_COLUMNS
from probes.analysis.reports.writing import write_report
from probes.analysis.theory.example import Sizes
from probes.errors import LogError
from tests.analysis.hand import log_of, race

LOGS = example_study(Sizes(classes=3, steps=60, singles=3))
OPENING = ["winners", "coverage", "growth", "claims", "race_matrix"]


@pytest.fixture(scope="module")
def found():
    return report(LOGS)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("findings") / "new" / "folder"
    return folder, write_findings(LOGS, folder)


def panels(logs):
    return [panel.name for panel in report(logs).panels]


def test_a_whole_study_opens_with_the_three_questions_and_ends_with_the_runs(found):
    names = [panel.name for panel in found.panels]

    assert names[: len(OPENING)] == OPENING
    assert names[-2:] == ["learned", "runs"]
    assert {"error_rates", "pairs", "race_single", "race_distilled"} < set(names)
    assert len(names) == len(set(names))


def test_findings_are_files_of_which_the_report_is_first(written):
    folder, paths = written

    assert paths[0].name == "report.html"
    assert sorted(paths) == sorted(folder.iterdir())
    assert {path.suffix for path in paths} == {".html", ".csv", ".png", ".svg"}


def test_tables_can_be_read_back(written):
    for panel in report(LOGS).panels:
        table = pd.read_csv(written[0] / f"{panel.name}.csv")
        assert list(table.columns) == list(panel.table.columns)
        assert len(table) == len(panel.table)


def test_an_earlier_report_is_replaced(tmp_path):
    (tmp_path / "report.html").write_text("old")
    write_findings(log_of(np.zeros((2, 3, 4)), dims=("neuron", "feature")), tmp_path)

    assert "old" not in (tmp_path / "report.html").read_text()[:100]


def test_a_users_own_logs_without_roles_have_winners_coverage_and_race():
    logs = [log_of(race([[0], [1], [0, 1]]), f"seed-{index}") for index in range(3)]

    assert panels(logs)[:3] == ["winners", "coverage", "race_matrix"]
    assert {"race", "learned", "runs"} < set(panels(logs))


def test_logs_with_three_views_have_what_needs_no_race():
    log = log_of(np.abs(np.random.default_rng(0).normal(size=(3, 2, 4, 2, 3))))
    found = report(log)

    assert [panel.name for panel in found.panels][:2] == ["coverage", "race_matrix"]
    assert set(found.absent.values()) == {"run `a`: expected two views a class, for which M is defined, got 3"}


def test_logs_of_another_layout_give_the_list_of_runs_and_one_reason():
    found = report(log_of(np.zeros((2, 3, 4)), name="conv1.weight", dims=("neuron", "feature")))
    found.render(io.StringIO())

    assert [panel.name for panel in found.panels] == ["runs"]
    assert len(set(found.absent.values())) == 1


def test_an_evaluation_that_cannot_be_read_is_named(monkeypatch):
    log = log_of(race([[0], [1]]), role="single")
    refusal = LogError("refused `evaluation.h5`: damaged; evaluate the run again")
    monkeypatch.setattr(type(log), "evaluation", property(lambda log: throw(refusal)))
    found = report(log)

    assert {panel.name for panel in found.panels} >= {"race_matrix", "race_single", "learned", "runs"}
    assert set(found.absent.values()) == {str(refusal)}


def throw(error):
    raise error


def test_no_runs_make_an_empty_report():
    found = report([])
    found.render(io.StringIO())

    assert [panel.name for panel in found.panels] == ["runs"]


def test_the_facts_say_what_was_studied():
    facts = report(LOGS).facts

    assert facts["runs"] == "1 average, 1 distilled, 2 self_distilled, 3 single"
    assert (facts["classes k"], facts["μ"], facts["q"]) == ("3", "0.04", "3")


@pytest.mark.parametrize(
    ("study", "title"), [("", "Findings of 1 runs"), ("0123456789abcdef", "Findings of 1 runs, study 01234567")]
)
def test_the_title_names_the_study(study, title):
    assert report(log_of(race([[0], [1]]), study=study)).title == title


def test_figures_for_papers_are_one_or_two_columns_wide(tmp_path):
    paths = write_findings(LOGS[-1:], tmp_path, paper=True)
    widths = {imread(path).shape[1] for path in paths if path.parent.name == "paper" and path.suffix == ".png"}

    assert widths == {round(300 * COLUMN), round(300 * TWO_COLUMNS)}
    assert (tmp_path / "paper" / "winners.svg").exists()


def test_tables_as_parquet_hold_every_digit(tmp_path, found):
    write_report(replace(found, panels=found.panels[-2:]), tmp_path, parquet=True)
    table = found.panels[-2].table

    assert pd.read_parquet(tmp_path / "learned.parquet")["strength"].tolist() == table["strength"].tolist()


def test_parquet_without_pyarrow_is_refused_in_one_line(tmp_path, found, monkeypatch):
    monkeypatch.setattr(pd.DataFrame, "to_parquet", lambda *_, **__: throw(ImportError("no engine")))
    line = "expected pyarrow, which Parquet files need, got none installed; pip install 'feature-probes[parquet]'"

    with pytest.raises(LogError, match=f"^{re.escape(line)}$"):
        write_report(found, tmp_path, parquet=True)
