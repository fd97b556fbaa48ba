"""How strongly units align with features, over all of them: the statistics that a feature is told from chance by."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

__all__ = ["STATISTICS", "Statistics"]

STATISTICS = ("strength", "peak", "strength_positive", "peak_positive")


@dataclass(frozen=True)
class Statistics:
    r"""Keeps, for every feature, its strength and peak over some axes, along an axis ``statistic`` in the end.

    With c the correlation they are, in the order of `STATISTICS`, :math:`\sum_r |c_r|`, :math:`\max_r |c_r|`,
    :math:`\sum_r [c_r]^+` and :math:`\max_r [c_r]^+`: either sign counts, or only the positive. Of a feature that an
    axis of components spans, c is the norm along it, which has no sign.

    Args:
        axes: Over what; may be none.
        component: The axis that spans one feature, or none.

    Example:
        >>> Statistics(("neuron",))(torch.tensor([[1.0], [-3.0]]), ("neuron", "feature"))
        tensor([[4., 3., 1., 1.]])
        >>> Statistics(("neuron",), "phase").dims(("class", "neuron", "frequency", "phase"))
        ('class', 'frequency', 'statistic')
    """

    axes: tuple[str, ...]
    component: str = ""

    def dims(self, dims: tuple[str, ...]) -> tuple[str, ...]:
        """The axes that are left, then ``statistic``."""
        return (*(dim for dim in dims if dim not in self.axes and dim != self.component), "statistic")

    def __call__(self, values: torch.Tensor, dims: tuple[str, ...]) -> torch.Tensor:
        """The statistics."""
        left = [length for length, dim in zip(values.shape, dims, strict=True) if dim in self.dims(dims)]
        out = values.new_empty((*left, len(STATISTICS)))
        self.batched(out, values, dims)()
        return out

    def batched(self, out: torch.Tensor, values: torch.Tensor, dims: tuple[str, ...]) -> Callable[[], object]:
        """A function that writes the statistics of ``values``, as they are at its call, to ``out``."""
        both = out.unflatten(-1, (2, 2)).movedim(-2, 0)  # readings of a sign, *left, strength and peak
        strength, peak = both.unbind(-1)
        if self.component:
            return self._of_norms(strength, peak, values, dims)

        over = tuple(1 + dims.index(axis) for axis in self.axes) or (-1,)
        readings = _like(values, 2)
        magnitudes, positive = readings.unbind(0)
        readings = readings if self.axes else readings.unsqueeze(-1)

        def write() -> None:
            torch.abs(values, out=magnitudes)
            torch.clamp_min(values, 0, out=positive)
            torch.sum(readings, over, out=strength)
            torch.amax(readings, over, out=peak)

        return write

    def _of_norms(
        self, strength: torch.Tensor, peak: torch.Tensor, values: torch.Tensor, dims: tuple[str, ...]
    ) -> Callable[[], object]:
        component, left = dims.index(self.component), tuple(dim for dim in dims if dim != self.component)
        over = tuple(left.index(axis) for axis in self.axes) or (-1,)

        def write() -> None:
            norms = values.square().sum(component).sqrt_()
            norms = norms if self.axes else norms.unsqueeze(-1)
            strength.copy_(norms.sum(over).expand_as(strength))
            peak.copy_(norms.amax(over).expand_as(peak))

        return write


def _like(values: torch.Tensor, count: int) -> torch.Tensor:
    """Room for as many arrays, with the order in memory of the values, along which a reduction is fast."""
    order = sorted(range(values.ndim), key=values.stride().__getitem__, reverse=True)
    room = values.new_empty((count, *(values.shape[axis] for axis in order)))
    back = [1 + order.index(axis) for axis in range(values.ndim)]
    return room.permute(0, *back)
