"""How claims are measured that follow from the lottery alone: who wins how often, and what two winners leave."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from probes.analysis.intervals import bootstrapped
from probes.analysis.theory.evidence import Evidence
from probes.analysis.theory.measurement import Measurement

__all__ = ["DRAWS"]

_VIEWS = ("view 0", "view 1")


def _favoured(evidence: Evidence) -> Iterator[Measurement]:
    chances = _chances(evidence)
    table = evidence.winners
    table = table[(table["role"] == "single") & table["learned"].isin(_VIEWS) & table["class"].isin(chances.index)]
    if len(table):
        own = chances.loc[table["class"]]
        won = table["learned"].to_numpy() == np.array(_VIEWS)[own.to_numpy().argmax(axis=1)]
        chance = own.max(axis=1).to_numpy()
        excess = pd.Series(won - chance).groupby(table["run"].to_numpy()).mean()
        note = (
            f"share of {len(table)} classes that learned one view, the one with the larger S: {won.mean():.3f}, less "
            f"{chance.mean():.3f} by the lottery of the initialisation; n: runs; interval: bootstrap of the mean over "
            "runs"
        )
        yield Measurement(bootstrapped(excess, np.mean), note)


def _self_distilled(evidence: Evidence) -> Iterator[Measurement]:
    chances = _chances(evidence)
    for variant, logs in evidence.with_role("self_distilled").items():
        errors = [error.value for error in evidence.errors(logs)]
        if errors and len(chances):
            uncovered = 0.5 * float(chances.pow(2).sum(axis=1).mean())
            note = (
                f"error, mean of {len(errors)} pairs, less what the lottery leaves to two winners, {uncovered:.3f}; "
                "n: pairs; interval: bootstrap of the mean over pairs"
            )
            yield Measurement(bootstrapped(np.array(errors) - uncovered, np.mean), note, variant)


def _chances(evidence: Evidence) -> pd.DataFrame:
    """Return the chance that S, q and m alone give each view: one row per class, of studies with single models."""
    table = evidence.lottery if evidence.with_role("single") else evidence.lottery.head(0)

    return table.dropna(subset="lottery").pivot_table(index="class", columns="view", values="lottery")


DRAWS: Mapping[str, Callable[[Evidence], Iterator[Measurement]]] = MappingProxyType({
    "lottery.favoured_view": _favoured,
    "lottery.self_distilled_mu": _self_distilled,
})
