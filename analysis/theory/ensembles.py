"""The test error of any ensemble of runs, the mean of their logits, from what was stored with each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from probes.analysis.intervals import Estimate, rate
from probes.analysis.study import Source, as_study
from probes.analysis.theory.logits import in_mu, margins
from probes.analysis.theory.recipe import single_view_share
from probes.errors import LogError
from probes.log.outputs import Outputs
from probes.log.protocol import LogLike

__all__ = ["JointTests", "ensemble_error"]

_PARTS = ("single_view", "multi_view")


@dataclass(frozen=True)
class JointTests:
    """What the test error of every ensemble of some runs follows from; all were measured on the same samples.

    Attributes:
        margins: For each part, ``(run, class, sample)``, of those samples that at least one run has wrong. The others
            are right in every ensemble, because a mean of positive margins is positive.
        sizes: For each part, the number of all its samples.
        mu: Share of single-view data.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> JointTests.of(example_study()[-2:]).errors([[0], [1], [0, 1]]).shape
        (3,)
    """

    margins: Mapping[str, np.ndarray]
    sizes: Mapping[str, int]
    mu: float

    @classmethod
    def of(cls, logs: Sequence[LogLike]) -> "JointTests | None":
        """Return the runs' joint tests; None where there is no run, or one lacks a test set or mu.

        Raises:
            LogError: the runs were tested on different samples.
        """
        shares = [single_view_share(log) or 0.0 for log in logs]
        if not logs or not min(shares) or not all(set(_PARTS) <= set(log.output_sets) for log in logs):
            return None
        stored = {part: {log.label: log.outputs(part) for log in logs} for part in _PARTS}
        labels = {part: _shared_labels(part, tests) for part, tests in stored.items()}

        found = {
            part: _open_margins([one.logits for one in tests.values()], labels[part]) for part, tests in stored.items()
        }
        return cls(found, {part: labels[part].size for part in _PARTS}, shares[0])

    def errors(self, ensembles: Sequence[Sequence[int]]) -> np.ndarray:
        """Return the test error in mu of each ensemble, ``(ensemble,)``; members are given by their place."""
        single_view, multi_view = (self._mistakes(part, ensembles) / self.sizes[part] for part in _PARTS)

        return np.asarray(single_view + (1 - self.mu) / self.mu * multi_view)

    def estimate(self, members: Sequence[int]) -> Estimate:
        """Return the test error in mu of one ensemble, with its interval over samples."""
        single_view, multi_view = (rate(int(self._mistakes(part, [members])[0]), self.sizes[part]) for part in _PARTS)

        return in_mu(single_view, multi_view, self.mu)

    def _mistakes(self, part: str, ensembles: Sequence[Sequence[int]]) -> np.ndarray:
        """Return each ensemble's number of wrong samples; one at a time, so that its margins stay in cache."""
        members, classes, samples = self.margins[part].shape
        flat = self.margins[part].reshape(members, classes * samples)
        counts = []
        for chosen in ensembles:
            weights = np.bincount(list(chosen), minlength=members) / len(chosen)
            smallest = (weights @ flat).reshape(classes, samples).min(axis=0)
            counts.append(np.count_nonzero(~(smallest > 0)))

        return np.array(counts)


def ensemble_error(source: Source) -> Estimate | None:
    """Return the test error in mu of the ensemble, the mean of the runs' logits; None where a run has no test sets.

    The constant in front of (4.1) scales all classes alike and changes no error.

    Args:
        source: The runs that the ensemble is made of; those that diverged, failed or have no step are left out.

    Raises:
        LogError: the runs were tested on different samples, or two have the same name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> singles = example_study()[-5:]
        >>> round(ensemble_error(singles[:1]).value, 2), round(ensemble_error(singles).value, 2)
        (0.42, 0.0)
    """
    members = as_study(source).usable
    tests = JointTests.of(members)

    return None if tests is None else tests.estimate(range(len(members)))


def _open_margins(logits: Sequence[np.ndarray], labels: np.ndarray) -> np.ndarray:
    """Return the margins of those samples that are not right in every run."""
    every = np.stack([margins(one, labels) for one in logits])
    undecided = ~(every.min(axis=-1) > 0).all(axis=0)

    return np.ascontiguousarray(every[:, undecided].swapaxes(1, 2))


def _shared_labels(part: str, tests: Mapping[str, Outputs]) -> np.ndarray:
    first, *others = tests
    for run in others:
        if not np.array_equal(np.asarray(tests[run].labels), np.asarray(tests[first].labels)):
            raise LogError(
                f"run `{run}`: expected the same `{part}/labels` as run `{first}`, got others; "
                "evaluate all runs of the study on one test set"
            )

    return np.asarray(tests[first].labels)
