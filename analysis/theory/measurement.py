"""One measured value of a claim."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from probes.analysis.intervals import Estimate
from probes.analysis.theory.laws import Law

__all__ = ["Measurement", "units"]


@dataclass(frozen=True)
class Measurement:
    """One measured value of a claim.

    Attributes:
        estimate: Value, 95 % interval and n.
        note: What n counts, where the interval comes from, and what else a reader should know.
        variant: Which variant was measured, "" where there is one only.
        law: How the interval narrows with n; None where it does not.
        values: The values whose mean it is, one a run, class or pair; none where it is no such mean.
    """

    estimate: Estimate
    note: str
    variant: str = ""
    law: Law | None = None
    values: Sequence[float] = ()


def units(values: "pd.Series[float]", runs: "pd.Series[Any]", statistic: str) -> tuple["pd.Series[float]", str]:
    """Return what an interval rests on, and its name: a value a run; of one run alone, its classes' values.

    Args:
        values: One value per class of a run, or other part of one.
        runs: The run of each.
        statistic: Of a run's values, as "mean".

    Example:
        >>> units(pd.Series([1.0, 3.0]), pd.Series(["a", "a"]), "mean")[1]
        'classes of the only run'
    """
    by_run = values.groupby(runs.astype(str)).agg(statistic)

    return (by_run, "runs") if len(by_run) > 1 else (values, "classes of the only run")
