"""How strongly units align with features, over all of them: the statistics that a feature is told from chance by."""

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
        self.into(out, values, dims)
        return out

    def into(self, out: torch.Tensor, values: torch.Tensor, dims: tuple[str, ...]) -> None:
        """Write the statistics to ``out``."""
        if self.component:
            values = values.square().sum(dims.index(self.component)).sqrt_()
            dims = tuple(dim for dim in dims if dim != self.component)
        over = tuple(dims.index(axis) for axis in self.axes) or (-1,)
        values = values if self.axes else values.unsqueeze(-1)

        _reduce(values if self.component else values.abs(), over, out[..., :2])
        if self.component:
            out[..., 2:] = out[..., :2]
        else:
            _reduce(values.clamp(min=0), over, out[..., 2:])


def _reduce(magnitudes: torch.Tensor, over: tuple[int, ...], out: torch.Tensor) -> None:
    torch.sum(magnitudes, over, out=out[..., 0])
    torch.amax(magnitudes, over, out=out[..., 1])
