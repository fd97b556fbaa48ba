"""What members differ in most on the samples of each class of an evaluation set, and whether it is a view."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from probes.analysis.factors.factor import Factor, factor, standardised
from probes.analysis.factors.gaussian import GaussianSizes, gaussian_sizes
from probes.analysis.factors.sizes import Sizes, sizes
from probes.analysis.margins import margins
from probes.analysis.sample_sets import SampleSet, plain_sets
from probes.analysis.study import Study
from probes.errors import LogError

__all__ = ["ClassFactor", "RULE", "class_factors"]

_LEAST_RUNS, _LEAST_SAMPLES = 3, 8
_LEAST_FOR_HALVES = 6  # runs; half of fewer often prefer all the same
_NORMAL = 2 / np.pi
_LEVEL = 0.05
RULE = (
    f"views are found where p <= {_LEVEL}, the interval of two_means lies above 2 / pi and the Gaussian reference, and "
    f"that of reliability (of fewer than {_LEAST_FOR_HALVES} runs: of share) lies above the Gaussian reference: in at "
    "most 1 of 20 classes without any; a call is made in these classes where the interval of the difference excludes 0"
)


class ClassFactor(NamedTuple):
    """What members differ in most on the samples of one class of one set.

    Attributes:
        one: The set.
        class_: The class.
        places: Of its samples in the set.
        rows: Standardised margins, ``(member, sample)``.
        factor: The leading factor.
        sizes: How much of a view it is.
        gaussian: The same of networks on Gaussian classes.
    """

    one: SampleSet
    class_: int
    places: NDArray[np.integer]
    rows: NDArray[np.float64]
    factor: Factor
    sizes: Sizes
    gaussian: GaussianSizes

    @property
    def found(self) -> bool:
        """Whether there are views, by the rule."""
        mine, reference = self.sizes, self.gaussian
        clusters = mine.two_means.low > max(_NORMAL, reference.two_means)
        halves = len(self.rows) >= _LEAST_FOR_HALVES
        common = mine.reliability.low > reference.reliability if halves else mine.share.low > reference.share

        return bool(clusters and common and mine.p_value <= _LEVEL)


def class_factors(study: Study) -> Sequence[ClassFactor]:
    """Return the factor of every class of every set that three members or more have outputs of, in order.

    Raises:
        LogError: there is no such set, or no class has eight samples.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> len(class_factors(Study(example_study()))[0].rows)
        5
    """
    sets = [one for one in plain_sets(study).values() if one.labels is not None]
    wide = [one for one in sets if len(one.of(study.members)) >= _LEAST_RUNS]
    if not wide:
        most = max((len(one.of(study.members)) for one in sets), default=0)
        raise LogError(
            f"expected outputs with labels of {_LEAST_RUNS} or more members, runs without parents, on one set, got "
            f"{most}; record more runs, of five on views are found well"
        )
    found = [each for one in wide for each in _of_set(one, one.of(study.members))]
    if not found:
        raise LogError(
            f"expected two classes or more, and one with {_LEAST_SAMPLES} samples, in outputs `{wide[0].name}`, got "
            "fewer; evaluate the runs on more samples"
        )
    return found


def _of_set(one: SampleSet, logits: Sequence[NDArray[np.floating]]) -> Iterator[ClassFactor]:
    labels = np.asarray(one.labels)
    classes, counts = np.unique(labels, return_counts=True)
    if logits[0].shape[1] < 2:
        return
    seen = np.stack([margins(each, labels) for each in logits])
    for class_, count in zip(classes.tolist(), counts.tolist(), strict=True):
        if count >= _LEAST_SAMPLES:
            places = np.flatnonzero(labels == class_)
            rows = standardised(seen[:, places])
            reference = gaussian_sizes(len(rows), max(2, logits[0].shape[1]), count)
            yield ClassFactor(one, class_, places, rows, factor(rows), sizes(rows), reference)
