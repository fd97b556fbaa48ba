"""What each run prefers among the alternatives of a class: recorded groups of its samples, or else a factor's sides."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from probes.analysis.factors.factor import factor, standardised
from probes.analysis.margins import margins
from probes.analysis.sample_sets import BOTH, SampleSet
from probes.log.protocol import LogLike

__all__ = ["Preferences", "alternatives", "by_groups", "preferences"]


class Preferences(NamedTuple):
    """By how much runs prefer each alternative of a class to the others.

    Attributes:
        values: ``(run, class, alternative)``, of sum 0 over alternatives and of mean 0 over runs: what all prefer alike
            is off.
        classes: The classes, in order.
        names: Of each class's alternatives; none where they are the two sides of a factor.
    """

    values: NDArray[np.float64]
    classes: Sequence[int]
    names: Sequence[Sequence[str]]


def alternatives(labels: NDArray[np.integer], groups: NDArray[Any] | None) -> dict[int, list[str]]:
    """Return by class the groups of its samples, but `BOTH`; of classes with several, and all with as many.

    Example:
        >>> alternatives(np.array([0, 0, 0, 1]), np.array(["view 0", "view 1", "both", "view 0"]))
        {0: ['view 0', 'view 1']}
    """
    if groups is None:
        return {}
    found = {class_: sorted({*map(str, groups[labels == class_])} - {BOTH}) for class_ in np.unique(labels).tolist()}
    several = {class_: names for class_, names in found.items() if len(names) > 1}
    usual = Counter(map(len, several.values())).most_common(1)

    return {class_: names for class_, names in several.items() if len(names) == usual[0][0]}


def by_groups(scores: NDArray[np.floating], labels: NDArray[np.integer], groups: NDArray[Any]) -> Preferences:
    """Return preferences as means of scores over the samples of each alternative.

    Args:
        scores: How well each run knows a sample, ``(run, sample)``.
        labels: ``(sample,)``.
        groups: ``(sample,)``; some class has two or more.

    Example:
        >>> scores = np.array([[3.0, 1.0], [1.0, 3.0]])
        >>> by_groups(scores, np.array([0, 0]), np.array(["a", "b"])).values.tolist()
        [[[1.0, -1.0]], [[-1.0, 1.0]]]
    """
    names = alternatives(labels, groups)
    means = [
        [scores[:, (labels == class_) & (groups == name)].mean(axis=1) for name in known]
        for class_, known in names.items()
    ]
    values = np.moveaxis(np.array(means), -1, 0)

    return Preferences(_centred(values), tuple(names), tuple(map(tuple, names.values())))


def preferences(one: SampleSet, logs: Sequence[LogLike]) -> Preferences:
    """Return what runs prefer on a set, from standardised margins: by its groups where it has several of a class.

    Where no groups were recorded the alternatives are both sides of the factor in which the runs differ most.

    Args:
        one: A set with labels that all of the runs have outputs of.
        logs: The runs, three or more.
    """
    labels = np.asarray(one.labels)
    seen = np.stack([margins(one.logits[log.label], labels) for log in logs])
    classes = [class_ for class_ in np.unique(labels).tolist() if (labels == class_).sum() > 1]
    for class_ in classes:
        seen[:, labels == class_] = standardised(seen[:, labels == class_])
    if one.groups is not None and alternatives(labels, one.groups):
        return by_groups(seen, labels, one.groups)
    found = np.stack([factor(seen[:, labels == class_]).runs for class_ in classes], axis=1)

    return Preferences(_centred(np.stack([found, -found], axis=-1)), tuple(classes), ())


def _centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    within = values - values.mean(axis=-1, keepdims=True)

    return np.asarray(within - within.mean(axis=0))
