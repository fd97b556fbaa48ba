r"""Ensembles on Gaussian inputs: what they gain in error, and by how much their outputs vary less (Figure 7).

The variance of networks is :math:`\frac{1}{N}\sum_n \sum_i \mathrm{Var}_s\, p_i^{[s]}(x_n)`, p their softmax outputs
over test samples n and classes i. An ensemble's output is the softmax of its members' mean logits. All is measured on
one test set, sample by sample, so that a difference of two errors is known better than either error.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import special, stats

from probes.analysis.facts import usable
from probes.analysis.intervals import CONFIDENCE, Estimate
from probes.analysis.theory.findings.error_rates import measured_arrays, wrong
from probes.errors import LogError
from probes.logs.protocol import LogLike

__all__ = ["COLUMNS", "inputs", "is_inputs"]

COLUMNS = (
    *("learner", "networks", "count", "error", "error_low", "error_high", "gain", "gain_low", "gain_high"),
    *("variance_ratio", "ratio_low", "ratio_high", "n"),
)
_KIND = "teacher_labels"
_NEEDED = ("test/logits", "test/labels")


def is_inputs(logs: Iterable[LogLike]) -> bool:
    """Return whether runs are of a study on Gaussian inputs, as their recipes say.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> is_inputs(example_study())
        False
    """
    kinds = {log.manifest.recipe.get("data", {}).get("kind") for log in logs}

    return kinds == {_KIND}


def inputs(logs: LogLike | Iterable[LogLike]) -> pd.DataFrame:
    """Return one row per learner: single networks, ensembles of M and of all of them, and trained averages of M.

    Columns: learner ("single", "ensemble", "average"), networks (in each), count (of them), error (share of the test
    set, mean over them) and its interval, gain (the single networks' error less this one) and its interval,
    variance_ratio (the variance of softmax outputs over that of single networks; missing where there is one of them)
    and its interval, n (test samples). Ensembles of M share no member. Intervals are 95 % over test samples, for these
    networks.

    Args:
        logs: The runs of a study on Gaussian inputs; those that diverged or failed are left out.

    Raises:
        LogError: If there are less than two single runs, one was not evaluated, or test samples differ.
    """
    held = usable(logs)
    singles, averages = ([log for log in held if log.manifest.role == role] for role in ("single", "average"))
    if len(singles) < 2:
        raise LogError(f"expected two single runs or more for an ensemble, got {len(singles)}: record more of them")
    labels = _labels([*singles, *averages])
    alone, together = _logits(singles), _logits(averages)
    every = np.mean(alone, axis=0)
    members = _members(held, len(singles))
    groups = [np.mean(alone[start : start + members], axis=0) for start in range(0, len(alone) - members + 1, members)]

    learners: list[tuple[str, int, Sequence[np.ndarray]]] = [
        ("single", 1, alone),
        *([("ensemble", members, groups)] if 1 < members < len(singles) else []),
        ("ensemble", len(singles), [every]),
        *([("average", members, together)] if together else []),
    ]
    rows = [(*who, len(found), *_measured(found, alone, labels), labels.size) for *who, found in learners]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _measured(found: Sequence[np.ndarray], alone: Sequence[np.ndarray], labels: np.ndarray) -> list[float]:
    """Return error, gain over the single networks and ratio of variances, each with its interval."""
    errors, before = _wrong(found, labels), _wrong(alone, labels)
    ratio = _ratio(_variance(found), _variance(alone)) if len(found) > 1 else [np.nan] * 3

    return [*_mean(errors)[:3], *_mean(before - errors)[:3], *ratio]


def _wrong(logits: Sequence[np.ndarray], labels: np.ndarray) -> np.ndarray:
    """Return which share of some networks has each sample wrong, ``(sample,)``."""
    return np.asarray(np.mean([wrong(one, labels) for one in logits], axis=0))


def _variance(logits: Sequence[np.ndarray]) -> np.ndarray:
    """Return the variance of softmax outputs over networks, summed over classes, ``(sample,)``."""
    return np.asarray(np.var([special.softmax(one, axis=-1) for one in logits], axis=0, ddof=1).sum(-1))


def _mean(values: np.ndarray) -> Estimate:
    """Return the mean over samples with its normal interval."""
    mean, reach = float(values.mean()), _reach(values)

    return Estimate(mean, mean - reach, mean + reach, values.size)


def _ratio(above: np.ndarray, below: np.ndarray) -> list[float]:
    """Return the ratio of two means over the same samples, with the interval of its linear expansion."""
    ratio = float(above.mean() / below.mean())
    reach = _reach((above - ratio * below) / below.mean())

    return [ratio, ratio - reach, ratio + reach]


def _reach(values: np.ndarray) -> float:
    return float(stats.norm.ppf((1 + CONFIDENCE) / 2) * stats.sem(values))


def _logits(logs: Sequence[LogLike]) -> Sequence[np.ndarray]:
    """Return the outputs on the test set of each run, ``(sample, class)``, float64."""
    return [np.asarray(measured_arrays(log)["test/logits"], dtype=float) for log in logs]


def _labels(logs: Sequence[LogLike]) -> np.ndarray:
    """Return the labels of the one test set."""
    arrays: Mapping[str, Mapping[str, np.ndarray]] = {log.manifest.run_id: measured_arrays(log) for log in logs}
    first, *others = arrays.items()
    for run, held in arrays.items():
        missing = [name for name in _NEEDED if name not in held]
        if missing:
            raise LogError(f"run `{run}`: expected `{missing[0]}` in its evaluation, got none; `probes evaluate` it")
    for run, held in others:
        if not np.array_equal(held["test/labels"], first[1]["test/labels"]):
            raise LogError(
                f"run `{run}`: expected the same `test/labels` as run `{first[0]}`, got others; evaluate all runs of "
                "the study on one test set"
            )
    return np.asarray(first[1]["test/labels"])


def _members(logs: Sequence[LogLike], singles: int) -> int:
    """Return M: as many networks as a trained average has, else half of the singles."""
    stated = logs[0].manifest.recipe.get("runs", {}).get("members", 0)

    return int(stated) or singles // 2
