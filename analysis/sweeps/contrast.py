"""Learners side by side: what ensembles, trained averages and distillation gain, for a network and for linear learners.

The table of Section 2.1 and Figure 1 of `Allen-Zhu & Li (2023) <https://arxiv.org/abs/2012.09816>`_ in small: where
features are learned, distillation retains what an ensemble gains and a trained average does not; where they are
prescribed, it is the other way round.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from probes.analysis.intervals import Estimate
from probes.analysis.sweeps.maps import over_points, pooled
from probes.analysis.theory.roles import variant_order

__all__ = ["COLUMNS", "GAINS", "KIND", "PUBLISHED", "contrast"]

KIND = "network.kind"
GAINS = ("gains", "unclear", "loses")

COLUMNS = (
    *("learner", "networks", "variant", "train_error", "error_mu", "low", "high"),
    *("gain_mu", "gain_low", "gain_high", "gains", "n", "published"),
)

# Test accuracies of Figure 1, CIFAR-10 and CIFAR-100: WRN-28-10, and WRN-10-4 by its tangent kernel.
PUBLISHED: Mapping[tuple[str, str], str] = MappingProxyType({
    ("patch", "single"): "96.70 % / 81.51 %",
    ("patch", "ensemble"): "97.20 % / 84.69 %",
    ("patch", "average"): "96.46 % / 81.83 %",
    ("patch", "distilled"): "97.22 % / 83.81 %",
    ("patch", "self_distilled"): "97.13 % / 83.56 %",
    ("tangent", "single"): "66.68 % / 31.90 %",
    ("tangent", "ensemble"): "70.54 % / 38.32 %",
    ("tangent", "average"): "72.86 % / 41.47 %",
    ("tangent", "distilled"): "66.01 % / 31.38 %",
    ("tangent", "self_distilled"): "61.92 % / 27.64 %",
})

_LEARNERS = ("patch", "tangent", "random_features")
_NETWORKS = ("single", "ensemble", "average", "distilled", "self_distilled")
_INDEX = (KIND, "networks", "variant")
_ERROR = ".test_error_mu"


def contrast(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per (learner, networks, variant): test error in mu and gain over its single models, pooled.

    Columns: learner (the recipe's `network.kind`), networks (single, ensemble, average, distilled, self_distilled),
    variant, train_error (of the single models, a rate), error_mu with low and high, gain_mu (the single models' error
    less this one, point by point) with gain_low and gain_high, gains ("gains" or "loses" where the gain's interval lies
    beyond 0, else "unclear"; "" for the single models), n (points) and published (test accuracies of Figure 1).
    Means over points, with the intervals of `pooled`.

    Args:
        frame: Table of `maps` of a sweep that varies `network.kind`.

    Example:
        >>> facts = {"network.kind": "tangent", "variant": "", "expected": 0.0, "n": 1}
        >>> points = pd.DataFrame({"point": ["a", "b"], **facts})
        >>> parts = {"single": [4.0, 5.0], "average": [1.0, 1.0]}
        >>> rows = [points.assign(measure=f"{name}.test_error_mu", value=values) for name, values in parts.items()]
        >>> frame = pd.concat(rows).assign(low=lambda rows: rows["value"] - 0.1, high=lambda rows: rows["value"] + 0.1)
        >>> contrast(frame)[["networks", "error_mu", "gain_mu", "gains"]].values.tolist()
        [['single', 4.5, 0.0, ''], ['average', 1.0, 3.5, 'gains']]
    """
    errors = frame[frame["measure"].str.endswith(_ERROR)]
    errors = errors.assign(networks=errors["measure"].str.removesuffix(_ERROR))
    singles = errors[errors["networks"] == "single"].set_index("point")[["value", "low", "high"]]
    errors = errors.join(singles.add_prefix("single_"), on="point").dropna(subset="single_value")

    train = frame[frame["measure"] == "single.train_error"].groupby(KIND)["value"].mean()
    rows = list(_rows(_with_gains(errors)))
    table = pd.DataFrame(rows, columns=[name for name in COLUMNS if name != "train_error"])
    table["train_error"] = table["learner"].map(train).astype(float)
    return table.sort_values("learner", key=_places, kind="stable", ignore_index=True).reindex(columns=list(COLUMNS))


def _with_gains(errors: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with each point's gain over its single models, as if both errors were independent."""
    below = np.hypot(errors["single_value"] - errors["single_low"], errors["high"] - errors["value"])
    above = np.hypot(errors["single_high"] - errors["single_value"], errors["value"] - errors["low"])
    gain = errors["single_value"] - errors["value"]

    return errors.assign(gain=gain, gain_low=gain - below, gain_high=gain + above)


def _rows(errors: pd.DataFrame) -> Iterator[tuple[object, ...]]:
    """Yield the rows of the table without `train_error`, networks as the table has them."""
    kinds = {(str(row[0]), str(row[1]), str(row[2])) for row in errors[[*_INDEX]].to_numpy()}
    for learner, networks, variant in sorted(kinds, key=lambda kind: _order(kind[1], kind[2])):
        chosen = (errors[[*_INDEX]] == [learner, networks, variant]).all(axis=1)
        error = pooled(errors[chosen], [*_INDEX]).loc[0, ["value", "low", "high"]]
        gain = _gain(errors[chosen], networks)
        verdict = "" if networks == "single" else GAINS[0 if gain.low > 0 else 2 if gain.high < 0 else 1]
        published = PUBLISHED.get((learner, networks), "")
        yield learner, networks, variant, *error, *gain[:3], verdict, gain.n, published


def _gain(part: pd.DataFrame, networks: str) -> Estimate:
    """Return the mean gain over points; unlike an error it may lie below 0."""
    if networks == "single":
        return Estimate(0.0, 0.0, 0.0, len(part))

    rows = part[["gain", "gain_low", "gain_high"]].to_numpy(float).tolist()
    return over_points([Estimate(value, low, high, 1) for value, low, high in rows])


def _order(networks: str, variant: str) -> tuple[int, int, str]:
    return (_NETWORKS.index(networks), *variant_order(networks, variant))


def _places(column: "pd.Series[str]") -> "pd.Series[int]":
    return column.map({name: place for place, name in enumerate(_LEARNERS)}).fillna(len(_LEARNERS))
