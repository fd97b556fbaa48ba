import json

import pytest

from probes.learners.recipe_files import as_mapping, built_in, override
from tests.repository.sources import ROOT

RESULTS = sorted((ROOT / "docs" / "results").glob("*.json"))


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_kept_results_are_those_of_the_recipe_as_it_is(path):
    kept = json.loads(path.read_text(encoding="utf-8"))
    recipe = override(built_in(kept["recipe"]["name"]), {"seed": str(kept["recipe"]["seed"])})
    assert kept["recipe"] == json.loads(json.dumps(as_mapping(recipe)))


def test_every_claim_the_theory_recipe_stands_by_holds_in_its_kept_results():
    rows = json.loads((ROOT / "docs" / "results" / "theory.json").read_text(encoding="utf-8"))["claims"]
    stood_by = {row["claim"]: row["holds"] for row in reversed(rows)}
    assert [claim for claim, holds in stood_by.items() if not holds] == []
