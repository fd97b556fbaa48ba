"""The smoothed ReLU (Definition 3.4): a power near zero, so that features race, and linear beyond a threshold."""

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["SmoothedReLU"]


@dataclass(frozen=True)
class SmoothedReLU:
    r"""The activation of Definition 3.4 of `Allen-Zhu & Li (2023) <https://arxiv.org/abs/2012.09816>`_.

    .. math::
        \widetilde{ReLU}(z) = 0 \;(z \le 0), \quad \frac{z^q}{q\varrho^{q-1}} \;(0 \le z \le \varrho), \quad
        z - (1 - 1/q)\varrho \;(z \ge \varrho)

    Args:
        q: Exponent of the power part, an integer of at least 3: with q = 2 all neurons grow at the same relative
            rate, and initialisation decides nothing.
        threshold: :math:`\varrho > 0`, where the power part hands over to the linear one.

    Raises:
        ValueError: If ``q`` or ``threshold`` is out of range.

    Example:
        >>> activation = SmoothedReLU(q=3, threshold=0.5)
        >>> activation(torch.tensor([-1.0, 0.5, 2.0]))
        tensor([0.0000, 0.1667, 1.6667])
        >>> activation.derivative(torch.tensor([-1.0, 0.25, 2.0]))
        tensor([0.0000, 0.2500, 1.0000])
    """

    q: int = 4
    threshold: float = 0.5

    def __post_init__(self) -> None:
        if self.q < 3 or self.q != int(self.q):
            raise ValueError(f"expected an integer `q` >= 3 (with less there is no race between views), got {self.q}")
        if not self.threshold > 0:
            raise ValueError(f"expected `threshold` > 0, got {self.threshold}")

    def __call__(self, preactivation: Tensor) -> Tensor:
        """Return the activation elementwise, same shape and dtype."""
        ratio = preactivation / self.threshold
        power = ratio.clamp(0, 1)

        return self.threshold * (power.pow(self.q) / self.q + (ratio - 1).clamp(min=0))

    def derivative(self, preactivation: Tensor) -> Tensor:
        r"""Return :math:`\min\{1, [z]^+/\varrho\}^{q-1}` elementwise, in [0, 1]."""
        return (preactivation / self.threshold).clamp(0, 1).pow(self.q - 1)

    def split_(self, ratio: Tensor, power: Tensor, derivative: Tensor) -> Tensor:
        r"""Overwrite ``derivative`` with the derivative, and return the activation in units of the threshold.

        The training step's form of the two methods above: what costs there is passes over the pre-activations, so it
        works in place.

        Args:
            ratio: Pre-activation / threshold, any shape; overwritten with the result.
            power: Work space of the same shape.
            derivative: Same shape; overwritten.

        Returns:
            ``ratio``, now activation / threshold.

        Example:
            >>> ratio, power, derivative = torch.tensor([-1.0, 0.5, 4.0]), torch.empty(3), torch.empty(3)
            >>> SmoothedReLU(q=3, threshold=0.5).split_(ratio, power, derivative)
            tensor([0.0000, 0.0417, 3.3333])
            >>> derivative
            tensor([0.0000, 0.2500, 1.0000])
        """
        torch.clamp(ratio, 0, 1, out=power)
        torch.pow(power, self.q - 1, out=derivative)

        return ratio.sub_(power).clamp_(min=0).addcmul_(power, derivative, value=1 / self.q)
