"""Claims over seeds: what whole studies at several seeds measured of each claim, pooled, and seed by seed."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from probes.analysis.intervals import Estimate
from probes.analysis.study import Study
from probes.analysis.theory.expectations import EXPECTATIONS
from probes.analysis.theory.findings.claims import claims, measured
from probes.analysis.theory.laws import seeds as law_of_seeds
from probes.analysis.theory.measurement import Measurement
from probes.analysis.theory.two_level import two_level
from probes.analysis.theory.verdicts import by_chance, deciding_n, verdict

__all__ = ["COLUMNS", "claims_by_seed", "claims_over_seeds"]

COLUMNS = {
    "spread": "standard deviation of the measured value between seeds; none of one seed, of which it is unknown",
    "seeds_hold": "number of seeds at which the claim, by that seed's own interval, holds",
    "seeds_open": "number of seeds at which it is open",
    "seeds_fail": "number of seeds at which it fails",
    "seed": "seed of the study",
}

_TABLE = (
    *("claim", "variant", "source", "expected_low", "expected_high", "measured", "low", "high", "n"),
    *("verdict", "deciding_n", "spread", "seeds_hold", "seeds_open", "seeds_fail", "note"),
)


def claims_over_seeds(studies: Mapping[int, Study]) -> pd.DataFrame:
    """Return one row per claim and variant, pooled over studies at several seeds, in the order of `claims`.

    `measured` is the mean over seeds, [low, high] the 95 % interval of a two-level bootstrap, seeds and then runs,
    classes or samples within seeds (see `probes.analysis.theory.two_level`), cut off at what is possible; n counts
    seeds, also in `deciding_n`; `spread` is the standard deviation between seeds. Of one seed that is unknown: the
    interval is that within it, and no number of seeds can be said to decide.

    ``attrs["left_out"]`` and ``attrs["by_chance"]`` are as those of `claims`.

    Args:
        studies: Study by seed.

    Raises:
        LogError: two runs of one study have the same name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = claims_over_seeds({seed: Study(example_study(seed=seed)) for seed in (3, 5)})
        >>> table.loc[table["claim"] == "winners.size", ["measured", "n", "spread"]].round(3).values.tolist()
        [[0.6, 2.0, 0.047]]
    """
    found: dict[tuple[str, str], dict[int, Measurement]] = {}
    missing: dict[str, dict[int, str]] = {}
    for seed, study in studies.items():
        known, left_out = measured(study)
        for claim, measurements in known.items():
            for one in measurements:
                found.setdefault((claim, one.variant), {})[seed] = one
        for claim, reason in left_out.items():
            missing.setdefault(claim, {})[seed] = reason

    order = list(EXPECTATIONS)
    pairs = sorted(found, key=lambda pair: order.index(pair[0]))
    rows = [_row(*pair, found[pair], len(studies)) for pair in pairs]
    table = pd.DataFrame(rows, columns=list(_TABLE))
    left_out = {claim: _reasons(why, len(studies)) for claim, why in missing.items()}
    rules = dict.fromkeys(str(study.rule) for study in studies.values())
    table.attrs.update(rule="; ".join(rules), left_out=left_out, by_chance=by_chance(len(rows)))
    return table


def claims_by_seed(studies: Mapping[int, Study]) -> pd.DataFrame:
    """Return the rows of `claims` at every seed, with a column `seed`, claim by claim, and within one seed by seed.

    Args:
        studies: Study by seed.

    Raises:
        LogError: two runs of one study have the same name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = claims_by_seed({seed: Study(example_study(seed=seed)) for seed in (0, 5)})
        >>> table[["claim", "seed"]].head(2).values.tolist()
        [['single.train_error', 0], ['single.train_error', 5]]
    """
    tables = [claims(study).assign(seed=seed) for seed, study in studies.items()]
    for table in tables:
        table.attrs = {}
    every = pd.concat(tables, ignore_index=True) if tables else claims([]).assign(seed=0)
    pairs = pd.Series(list(zip(every["claim"], every["variant"], strict=True)), dtype=object)
    claims_in_order = list(EXPECTATIONS)
    order = sorted(pairs.unique(), key=lambda pair: claims_in_order.index(pair[0]))
    every.insert(2, "seed", every.pop("seed"))

    rows = every.iloc[pairs.map(order.index).argsort(kind="stable")].reset_index(drop=True)
    rows.attrs.update(left_out={}, by_chance=by_chance(len(rows)))
    return rows


def _row(claim: str, variant: str, found: Mapping[int, Measurement], studies: int) -> dict[str, object]:
    expectation, every = EXPECTATIONS[claim], list(found.values())
    whole = two_level(every)
    estimate = _possible(whole, claim)
    law = None if len(every) == 1 else lambda _, n: _possible(law_of_seeds(whole, n), claim)
    verdicts = [verdict(one.estimate, expectation) for one in every]

    return {
        "claim": claim,
        "variant": variant,
        "source": expectation.source,
        "expected_low": expectation.low,
        "expected_high": expectation.high,
        "measured": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "n": len(every),
        "verdict": verdict(estimate, expectation),
        "deciding_n": deciding_n(estimate, expectation, law),
        "spread": float(np.std([one.estimate.value for one in every], ddof=1)) if len(every) > 1 else np.nan,
        "seeds_hold": verdicts.count("holds"),
        "seeds_open": verdicts.count("open"),
        "seeds_fail": verdicts.count("fails"),
        "note": _note(every, studies),
    }


def _possible(found: Estimate, claim: str) -> Estimate:
    """Return the interval cut off at what is possible, such as an error below 0."""
    least, most = EXPECTATIONS[claim].possible

    return found._replace(low=max(found.low, least), high=min(found.high, most))


def _note(found: Sequence[Measurement], studies: int) -> str:
    of = f" of {studies}" if len(found) < studies else ""
    if len(found) == 1:
        return f"one seed{of}, whose spread between seeds is unknown; n: seeds; interval: of that seed alone"
    within = "the values of each" if any(len(one.values) > 1 for one in found) else "each one's own interval"

    return f"mean over {len(found)}{of} seeds; n: seeds; interval: two-level bootstrap, seeds and {within}"


def _reasons(found: Mapping[int, str], studies: int) -> str:
    """Return why a claim was not measured: once where all seeds say the same, else seed by seed."""
    every = list(dict.fromkeys(found.values()))
    if len(every) == 1 and len(found) == studies:
        return every[0]
    return "; ".join(f"seed {seed}: {reason}" for seed, reason in found.items())
