import json

import pytest

from probes.analysis.theory import EXPECTATIONS
from probes.analysis.theory.verdicts import VERDICTS
from probes.studies.recipe_files import built_in, override
from probes.studies.tables import as_mapping
from tests.repository.sources import ROOT

RESULTS = sorted((ROOT / "docs" / "results").glob("*.json"))


def rows_of(path):
    """All rows of a file: of studies over seeds the pooled ones, and then each seed's own."""
    kept = json.loads(path.read_text(encoding="utf-8"))
    return [row for each in (kept, *kept.get("studies", ())) for row in each["claims"]]


def same(row, other):
    return (row["claim"], row["variant"]) == (other["claim"], other["variant"])


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_kept_results_are_those_of_the_recipe_as_it_is(path):
    kept = json.loads(path.read_text(encoding="utf-8"))
    recipe = override(built_in(kept["recipe"]["name"]), {"seed": str(kept["recipe"]["seed"])})
    assert kept["recipe"] == json.loads(json.dumps(as_mapping(recipe)))


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_kept_verdicts_are_those_of_the_kept_intervals(path):
    for row in rows_of(path):
        inside = row["expected_low"] <= row["low"] and row["high"] <= row["expected_high"]
        outside = row["high"] < row["expected_low"] or row["expected_high"] < row["low"]
        assert row["verdict"] == ("holds" if inside else "fails" if outside else "open")


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_kept_ranges_are_those_expected_today(path):
    for row in rows_of(path):
        expected = EXPECTATIONS[row["claim"]]
        assert (row["expected_low"], row["expected_high"]) == (expected.low, expected.high)


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_pooled_rows_count_the_seeds_own_verdicts(path):
    kept = json.loads(path.read_text(encoding="utf-8"))
    for row in kept["claims"] if "studies" in kept else []:
        own = [each["verdict"] for one in kept["studies"] for each in one["claims"] if same(each, row)]
        assert [row["seeds_hold"], row["seeds_open"], row["seeds_fail"]] == list(map(own.count, VERDICTS))
