import json

import pytest

from probes.analysis.theory import EXPECTATIONS
from probes.analysis.theory.findings.claims import COLUMNS
from probes.studies.recipe_files import built_in, override
from probes.studies.tables import as_mapping
from tests.repository.sources import ROOT

RESULTS = sorted((ROOT / "docs" / "results").glob("*.json"))


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_kept_results_are_those_of_the_recipe_as_it_is(path):
    kept = json.loads(path.read_text(encoding="utf-8"))
    recipe = override(built_in(kept["recipe"]["name"]), {"seed": str(kept["recipe"]["seed"])})
    assert kept["recipe"] == json.loads(json.dumps(as_mapping(recipe)))


def test_no_claim_the_theory_recipe_stands_by_fails_in_its_kept_results():
    rows = json.loads((ROOT / "docs" / "results" / "theory.json").read_text(encoding="utf-8"))["claims"]
    stood_by = {row["claim"]: row["verdict"] for row in reversed(rows)}
    assert [claim for claim, verdict in stood_by.items() if verdict == "fails"] == []


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_kept_verdicts_are_those_of_the_kept_intervals(path):
    rows = json.loads(path.read_text(encoding="utf-8"))["claims"]
    assert all(list(row) == list(COLUMNS) for row in rows)
    for row in rows:
        inside = row["expected_low"] <= row["low"] and row["high"] <= row["expected_high"]
        outside = row["high"] < row["expected_low"] or row["expected_high"] < row["low"]
        assert row["verdict"] == ("holds" if inside else "fails" if outside else "open")


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_kept_ranges_are_those_expected_today(path):
    for row in json.loads(path.read_text(encoding="utf-8"))["claims"]:
        expected = EXPECTATIONS[row["claim"]]
        assert (row["expected_low"], row["expected_high"]) == (expected.low, expected.high)
