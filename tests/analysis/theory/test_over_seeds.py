import math
import statistics

import pytest

from probes.analysis.study import Study
from probes.analysis.theory.example import Sizes, example_study
from probes.analysis.theory.expectations import EXPECTATIONS
from probes.analysis.theory.findings.claims import claims
from probes.analysis.theory.over_seeds import claims_by_seed, claims_over_seeds

SIZES = Sizes(classes=3, steps=60, singles=3)
STUDIES = {seed: Study(example_study(SIZES, seed=seed)) for seed in (0, 5, 7)}


@pytest.fixture(scope="module")
def pooled():
    return claims_over_seeds(STUDIES)


@pytest.fixture(scope="module")
def rows():
    return claims_by_seed(STUDIES)


def test_the_spread_is_the_standard_deviation_between_seeds(pooled, rows):
    for row in pooled.itertuples():
        values = rows.loc[(rows["claim"] == row.claim) & (rows["variant"] == row.variant), "measured"]
        assert row.measured == pytest.approx(statistics.mean(values))
        assert row.spread == pytest.approx(statistics.stdev(values))


def test_no_interval_reaches_beyond_what_is_possible(pooled):
    known = pooled.dropna(subset="low")
    least, most = ([EXPECTATIONS[claim].possible[end] for claim in known["claim"]] for end in (0, 1))
    assert ((known["low"] >= least) & (known["high"] <= most)).all()
    assert (known["low"] < known["high"]).all()


def test_rows_of_a_seed_are_those_of_its_study(rows):
    own = rows[rows["seed"] == 5].drop(columns="seed").reset_index(drop=True)
    assert own.equals(claims(STUDIES[5])[own.columns])


def test_of_one_seed_the_interval_is_its_own_and_the_spread_unknown():
    alone, own = claims_over_seeds({5: STUDIES[5]}), claims(STUDIES[5])

    assert alone[["claim", "measured", "verdict"]].equals(own[["claim", "measured", "verdict"]])
    assert alone["spread"].isna().all()
    assert alone["deciding_n"].isna().all()
    inside = alone["low"].dropna() >= own["low"].dropna()
    assert inside.all()
    assert set(alone["note"]) == {
        "one seed, whose spread between seeds is unknown; n: seeds; interval: of that seed alone"
    }


def test_a_claim_that_a_seed_lacks_rests_on_the_others_and_says_so():
    bare = Study([log for log in example_study(SIZES) if log.manifest.role == "single"])
    table = claims_over_seeds({**STUDIES, 9: bare})
    average = table[table["claim"] == "average.gain_mu"].iloc[0]

    assert average["n"] == 3
    assert average["note"].startswith("mean over 3 of 4 seeds; ")
    assert table.attrs["left_out"]["average.gain_mu"] == (
        "seed 9: the study has no run, or no evaluation, to measure it by"
    )


def test_without_studies_there_are_no_rows():
    assert len(claims_over_seeds({})) == len(claims_by_seed({})) == 0


def test_seeds_that_would_decide_are_more_than_there_are(pooled):
    still = pooled[pooled["verdict"] == "open"]
    assert all(math.isnan(n) or n > 3 for n in still["deciding_n"])
