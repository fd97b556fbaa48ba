r"""Means and covariance of data in one pass, in float64 and in bounded memory.

Source: T. F. Chan, G. H. Golub and R. J. LeVeque, "Algorithms for computing the sample variance: analysis and
recommendations", The American Statistician 1983, https://doi.org/10.1080/00031305.1983.10483115.

Axes: c = class, d = dim.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from probes.estimators.reading import Reading, Rows

__all__ = ["Moments", "moments_of_halves"]


@dataclass(frozen=True)
class Moments:
    r"""How many rows each class has, their mean, and the scatter of all rows about the means of their classes.

    Two sets of rows are joined without looking at the rows again (Chan et al., 1983): with
    :math:`\delta_c = \mu^b_c - \mu^a_c`,

    .. math::
        \mu_c = \mu^a_c + \delta_c\, n^b_c/n_c, \qquad
        S = S^a + S^b + \sum_c \delta_c \delta_c^\top\, n^a_c n^b_c / n_c

    Attributes:
        count: Rows of each class, ``(class,)``, float64.
        mean: ``(class, dim)``, float64; 0 for a class without rows.
        scatter: Within-class scatter, ``(dim, dim)``, float64; None where it is not wanted.

    Example:
        >>> rows = Rows(torch.tensor([[1.0, 0.0], [3.0, 0.0]]).double(), torch.tensor([0, 0]), torch.tensor([0, 1]))
        >>> moments = Moments.of(rows, scatter=True)
        >>> moments.mean, moments.scatter
        (tensor([[2., 0.]], dtype=torch.float64), tensor([[2., 0.],
                [0., 0.]], dtype=torch.float64))
    """

    count: Tensor
    mean: Tensor
    scatter: Tensor | None

    @classmethod
    def of(cls, rows: Rows, *, scatter: bool) -> Self:
        """The moments of some rows."""
        classes = int(rows.labels.max()) + 1 if len(rows.labels) else 0
        count = torch.bincount(rows.labels, minlength=classes).to(rows.values)
        # One class, as where there are no labels, takes half the time without a gather.
        if classes == 1:
            total = rows.values.sum(0, keepdim=True)
        else:
            total = rows.values.new_zeros(classes, rows.values.shape[1]).index_add_(0, rows.labels, rows.values)
        mean = total / count.clamp(min=1).unsqueeze(1)
        if not scatter:
            return cls(count, mean, None)

        centred = rows.values - (mean if classes == 1 else mean[rows.labels])
        return cls(count, mean, centred.T @ centred)

    def __add__(self, other: "Moments") -> "Moments":
        """The moments of both sets of rows together."""
        classes = max(len(self.count), len(other.count))
        a, b = self.padded(classes), other.padded(classes)
        count = a.count + b.count
        least = count.clamp(min=1)
        difference = b.mean - a.mean
        # Also right for a class without rows on one side, whose mean of 0 then has no weight.
        mean = a.mean + difference * (b.count / least).unsqueeze(1)
        if a.scatter is None or b.scatter is None:
            return Moments(count, mean, None)

        between = (difference * (a.count * b.count / least).unsqueeze(1)).T @ difference
        return Moments(count, mean, a.scatter + b.scatter + between)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.count.sum())

    @property
    def grand_mean(self) -> Tensor:
        """Mean of all rows, ``(dim,)``."""
        return self.count @ self.mean / self.count.sum().clamp(min=1)

    @property
    def covariance(self) -> Tensor:
        """Mean square about the class means, ``(dim, dim)``.

        Raises:
            ValueError: the moments were taken without scatter.
        """
        if self.scatter is None:
            raise ValueError("expected moments with scatter, got moments without")
        return self.scatter / max(1, self.rows)

    def padded(self, classes: int) -> "Moments":
        """The same moments with as many classes, the further ones without rows."""
        missing = classes - len(self.count)
        if missing == 0:
            return self
        pad = torch.nn.functional.pad
        return Moments(pad(self.count, (0, missing)), pad(self.mean, (0, 0, 0, missing)), self.scatter)

    def with_rows(self, rows: Rows) -> "Moments":
        """The moments with further rows, in place where no class is new: only the rows' own classes are touched."""
        present, compact = rows.labels.unique(return_inverse=True)
        further = Moments.of(Rows(rows.values, compact, rows.half), scatter=self.scatter is not None)
        grown = self.padded(max(len(self.count), int(present.max()) + 1)) if len(present) else self
        both = Moments(grown.count[present], grown.mean[present], grown.scatter) + further

        grown.count[present], grown.mean[present] = both.count, both.mean
        return Moments(grown.count, grown.mean, both.scatter)

    def cpu(self) -> "Moments":
        """The same moments on the CPU."""
        return Moments(self.count.cpu(), self.mean.cpu(), None if self.scatter is None else self.scatter.cpu())


def moments_of_halves(reading: Reading, *, scatter: bool) -> tuple[Moments, Moments]:
    """The moments of the two halves of the data, on the CPU; their sum is that of the whole.

    Args:
        reading: The data, which are read once.
        scatter: Whether the scatter is wanted, which takes ``dim ** 2`` numbers.

    Raises:
        TypeError: the data are of another kind than the reading takes.
        ValueError: the data do not fit.

    Example:
        >>> first, second = moments_of_halves(Reading(torch.ones(9, 2)), scatter=False)
        >>> (first + second).rows
        9
    """
    halves: list[Moments] = []
    for rows in reading:
        halves = halves or [_nothing(rows, scatter=scatter), _nothing(rows, scatter=scatter)]
        halves = [so_far.with_rows(rows.of_half(half)) for half, so_far in enumerate(halves)]
    first, second = (half.cpu() for half in halves)
    return first, second


def _nothing(rows: Rows, *, scatter: bool) -> Moments:
    dim = rows.values.shape[1]
    count, mean, squares = (rows.values.new_zeros(shape) for shape in ((0,), (0, dim), (dim * scatter, dim * scatter)))
    return Moments(count, mean, squares if scatter else None)
