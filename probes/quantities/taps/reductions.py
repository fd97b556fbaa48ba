"""Less than every correlation of a large layer: what a reduction keeps, and which axes that leaves."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch

from probes.errors import UsageError

__all__ = ["BatchedReduction", "Largest", "OwnClass", "Reduction", "Strength"]


class Reduction(Protocol):
    """Makes a smaller array of one with named axes."""

    def dims(self, dims: tuple[str, ...]) -> tuple[str, ...]:
        """The axes that are left of ``dims``; a UsageError if one that is needed is not among them."""

    def __call__(self, values: torch.Tensor, dims: tuple[str, ...]) -> torch.Tensor:
        """The reduced values; ``dims`` are those before."""


@runtime_checkable
class BatchedReduction(Reduction, Protocol):
    """One of several steps at once, an axis in front, whose values for a step do not depend on its place."""

    def batched(self, out: torch.Tensor, values: torch.Tensor, dims: tuple[str, ...]) -> Callable[[], object]:
        """A function that reduces ``values``, as they are at its call, to ``out``; ``dims`` are those before."""


@dataclass(frozen=True)
class OwnClass:
    r"""Keeps the block of every class with its own features, :math:`\langle w_{i,r}, v_{i,\ell} \rangle`.

    A k-th of the values; what a null for "learned" is taken from, the other classes' features, is gone with the rest.

    Args:
        axis: The axis of the network's classes.
        feature_axis: The axis of the features' classes.

    Example:
        >>> values = torch.arange(8.0).reshape(2, 2, 2)
        >>> OwnClass()(values, ("class", "neuron", "feature_class"))
        tensor([[0., 2.],
                [5., 7.]])
    """

    axis: str = "class"
    feature_axis: str = "feature_class"

    def dims(self, dims: tuple[str, ...]) -> tuple[str, ...]:
        """The axes but that of the features' classes."""
        _check_named(dims, self.axis, self.feature_axis)
        return tuple(dim for dim in dims if dim != self.feature_axis)

    def __call__(self, values: torch.Tensor, dims: tuple[str, ...]) -> torch.Tensor:
        """The values where both classes are the same."""
        first, second = dims.index(self.axis), dims.index(self.feature_axis)
        own = torch.diagonal(values, dim1=first, dim2=second)
        return own.movedim(-1, first if first < second else first - 1)


@dataclass(frozen=True)
class Largest:
    """Keeps, for every feature, the largest values over an axis, in falling order along an axis ``rank``.

    With ``count=1`` that is the maximum, and there is no further axis. Which neurons they belong to is not kept.

    Args:
        count: How many.
        axis: Over what.

    Example:
        >>> Largest(2)(torch.tensor([[1.0, 0.0], [3.0, 5.0], [2.0, 4.0]]), ("neuron", "feature"))
        tensor([[3., 5.],
                [2., 4.]])
        >>> Largest().dims(("neuron", "feature"))
        ('feature',)
    """

    count: int = 1
    axis: str = "neuron"

    def dims(self, dims: tuple[str, ...]) -> tuple[str, ...]:
        """The axes with ``rank`` in place of the reduced one, or without it."""
        _check_named(dims, self.axis)
        return tuple("rank" if dim == self.axis else dim for dim in dims if self.count > 1 or dim != self.axis)

    def __call__(self, values: torch.Tensor, dims: tuple[str, ...]) -> torch.Tensor:
        """The largest values."""
        axis = dims.index(self.axis)
        if self.count == 1:
            return values.amax(axis)
        if values.shape[axis] < self.count:
            raise UsageError(f"expected at least {self.count} along `{self.axis}`, got {values.shape[axis]}")
        return values.topk(self.count, dim=axis).values


@dataclass(frozen=True)
class Strength:
    r"""Keeps, for every feature, the sum of the positive values, :math:`\Phi = \sum_r [\langle w_{i,r}, v \rangle]^+`.

    Args:
        axis: Over what.

    Example:
        >>> Strength()(torch.tensor([[1.0, -2.0], [3.0, 5.0]]), ("neuron", "feature"))
        tensor([4., 5.])
    """

    axis: str = "neuron"

    def dims(self, dims: tuple[str, ...]) -> tuple[str, ...]:
        """The axes without the reduced one."""
        _check_named(dims, self.axis)
        return tuple(dim for dim in dims if dim != self.axis)

    def __call__(self, values: torch.Tensor, dims: tuple[str, ...]) -> torch.Tensor:
        """The sums."""
        return values.clamp(min=0).sum(dims.index(self.axis))


def _check_named(dims: tuple[str, ...], *needed: str) -> None:
    missing = [name for name in needed if name not in dims]
    if missing:
        raise UsageError(f"expected an axis `{missing[0]}` to reduce over, got {dims}; name it in `Tap(dims=...)`")
