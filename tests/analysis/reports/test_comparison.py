import io

import pytest

from probes.analysis.reports.comparison import comparison
from probes.analysis.theory.example import Sizes, example_study
from probes.analysis.theory.verdicts import counted
from tests.analysis.hand import log_of, race

SIZES = Sizes(classes=3, steps=60, singles=3)
STUDIES = {"small": example_study(SIZES), "other": example_study(SIZES, seed=5)}


@pytest.fixture(scope="module")
def found():
    return comparison(STUDIES)


def rendered(report):
    stream = io.StringIO()
    report.render(stream)
    return stream.getvalue()


def test_studies_have_claims_errors_means_recipes_and_runs_side_by_side(found):
    assert [panel.name for panel in found.panels] == ["claims", "errors", "summary", "recipes", "runs"]
    assert all(set(panel.table["setting"]) == set(STUDIES) for panel in found.panels if panel.name != "recipes")


def test_runs_of_the_same_name_are_told_apart_by_their_setting(found):
    table = found.panels[-1].table

    assert table["run"].nunique() * 2 == len(table) == len(table.drop_duplicates(["setting", "run"]))


def test_the_verdict_counts_every_setting(found):
    parts = {name: found.claims.loc[found.claims["setting"] == name, "verdict"] for name in STUDIES}

    assert found.verdict == "; ".join(f"{name}: {counted(part)}" for name, part in parts.items())


def test_the_page_names_the_setting_of_every_claim(found):
    page = rendered(found)

    assert page.count('<td data-label="setting">small</td>') == (found.claims["setting"] == "small").sum()
    assert "<details open>" in page
    assert "The recipes are the same." in page


def test_what_a_setting_lacks_is_absent_under_its_name():
    found = comparison({"whole": STUDIES["small"], "bare": log_of(race([[0], [1]]))})

    assert "single.test_error_mu (bare)" in found.absent
    assert "single.test_error_mu (whole)" not in found.absent
    assert found.title == "whole beside bare"


def test_settings_without_runs_still_make_a_page():
    assert "<h1>a beside b</h1>" in rendered(comparison({"a": [], "b": []}))
