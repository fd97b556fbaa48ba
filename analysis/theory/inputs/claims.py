"""The claims of Figure 7: on Gaussian inputs an ensemble's outputs vary less than one network's, and err the same."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd

from probes.analysis.intervals import Estimate
from probes.analysis.theory.evidence import Evidence
from probes.analysis.theory.measurement import Measurement

__all__ = ["INPUTS"]


def _error_gain(evidence: Evidence) -> Iterator[Measurement]:
    table = evidence.inputs
    largest = table[table["learner"] == "ensemble"].tail(1)
    for row in pd.concat([largest, table[table["learner"] == "average"]]).to_dict("records"):
        note = (
            f"mean test error of the single networks less that of {_named(row)}; n: test samples; interval: over them, "
            "sample by sample"
        )
        yield Measurement(Estimate(row["gain"], row["gain_low"], row["gain_high"], row["n"]), note, row["learner"])


def _variance_ratio(evidence: Evidence) -> Iterator[Measurement]:
    table = evidence.inputs
    for row in table[(table["learner"] != "single") & table["variance_ratio"].notna()].to_dict("records"):
        note = (
            f"variance of softmax outputs of {_named(row)}, over that of single networks; independent networks would "
            f"give {1 / row['networks']:.3g}; n: test samples; interval: over them"
        )
        found = Estimate(row["variance_ratio"], row["ratio_low"], row["ratio_high"], row["n"])
        yield Measurement(found, note, row["learner"])


INPUTS: Mapping[str, Callable[[Evidence], Iterator[Measurement]]] = MappingProxyType({
    "gaussian_inputs.error_gain": _error_gain,
    "gaussian_inputs.variance_ratio": _variance_ratio,
})


def _named(row: Mapping[Any, Any]) -> str:
    kind = {"ensemble": "ensemble", "average": "trained average"}[row["learner"]]

    return f"the {kind} of {row['networks']}" if row["count"] == 1 else f"{row['count']} {kind}s of {row['networks']}"
