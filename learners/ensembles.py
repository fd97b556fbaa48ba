r"""The ensemble of trained networks, :math:`G(X) = \frac{c}{K} \sum_s F^{[s]}(X)` (equation 4.1), as mean outputs.

Axes: s = run, n = sample, i = class.
"""

from torch import Tensor

__all__ = ["ensemble"]


def ensemble(outputs: Tensor, *, scale: float = 1.0) -> Tensor:
    r"""Return the ensemble's outputs, ``(sample, class)``.

    Args:
        outputs: Outputs of its members, ``(run, sample, class)``.
        scale: The factor c = :math:`\tilde\Theta(1)` of (4.1). It changes no prediction; as a teacher, an ensemble
            needs it large enough for a present feature to reach the cap of (4.2), :math:`c\,G_i \ge 1/\tau^2`.

    Example:
        >>> import torch
        >>> ensemble(torch.tensor([[[1.0, 0.0]], [[0.0, 3.0]]]), scale=2.0)
        tensor([[1., 3.]])
    """
    return scale * outputs.mean(0)
