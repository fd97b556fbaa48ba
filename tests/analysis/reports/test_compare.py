import pandas as pd
import pytest

from probes.analysis.reports.compare import beside, claims_beside, recipe_of, recipes_beside
from probes.analysis.theory.example import example_study
from probes.analysis.theory.findings.claims import claims
from probes.errors import LogError
from tests.analysis.hand import log_of, race

CLAIMS = claims(example_study())


def test_rows_say_their_setting_and_stay_in_order():
    found = beside({"a": pd.DataFrame({"x": [1, 2]}), "b": pd.DataFrame({"x": [3]})})

    assert found.to_dict("list") == {"setting": ["a", "a", "b"], "x": [1, 2, 3]}


def test_a_setting_without_rows_keeps_the_columns():
    assert list(beside({"a": pd.DataFrame(columns=["x"])}).columns) == ["setting", "x"]
    assert beside({}).empty


def test_claims_stand_claim_by_claim_in_the_order_of_the_settings():
    found = claims_beside({"new": CLAIMS, "old": CLAIMS})

    assert found["claim"].tolist() == [claim for claim in CLAIMS["claim"] for _ in range(2)] or CLAIMS["variant"].any()
    assert found.groupby(["claim", "variant"])["setting"].agg(list).map(tuple).unique().tolist() == [("new", "old")]
    assert found.drop_duplicates("claim")["claim"].tolist() == CLAIMS.drop_duplicates("claim")["claim"].tolist()


def test_a_claim_that_one_study_lacks_is_there_for_the_other():
    found = claims_beside({"short": CLAIMS.tail(1), "long": CLAIMS})

    assert found["setting"].value_counts().to_dict() == {"long": len(CLAIMS), "short": 1}
    assert found["claim"].iloc[0] == CLAIMS["claim"].iloc[0]


def test_what_differs_between_recipes_is_named_by_its_whole_key():
    one = {"name": "a", "data": {"mu": 0.1, "k": 3}, "runs": {"updates": ["stopped"]}}
    two = {"name": "a", "data": {"mu": 0.2, "k": 3}, "runs": {"updates": ["stopped", "literal"]}, "seed": 4}
    found = recipes_beside({"one": one, "two": two}).to_dict("records")

    assert found == [
        {"key": "data.mu", "one": "0.1", "two": "0.2"},
        {"key": "runs.updates", "one": "stopped", "two": "stopped, literal"},
        {"key": "seed", "one": "", "two": "4"},
    ]


def test_equal_recipes_differ_in_nothing():
    assert list(recipes_beside({"a": {"x": 1}, "b": {"x": 1}}).columns) == ["key", "a", "b"]
    assert recipes_beside({"a": {"x": 1}, "b": {"x": 1}}).empty


def test_a_study_of_two_recipes_is_refused():
    logs = [log_of(race([[0], [1]]), name, recipe={"seed": name}) for name in "ab"]

    with pytest.raises(
        LogError, match=r"^expected runs of one recipe, got two in `a` and `b`; name the folder of each study$"
    ):
        recipe_of(logs)
