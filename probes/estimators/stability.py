r"""How far an estimate is the data's and not chance: the agreement of what two random halves of the samples give.

Figures in [0, 1]; beside each stands what random directions would score, because in few dims even they agree somewhat.

Axes: f = feature (of the first set), g = feature of the second, d = dim.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from probes.directions.generators import generator

__all__ = ["BEST_MATCH", "SAME_CLASS", "Agreement", "best_match", "determined", "same_class", "subspace", "unit"]

_RANDOM_PAIRS = 8


def same_class(first: Tensor, second: Tensor) -> float:
    r"""The mean cosine of each direction with the one in its place, 0 where it is negative.

    .. math::
        \frac1k \sum_f [\langle u_f, u'_f \rangle]^+

    Args:
        first: Unit directions, ``(feature, dim)``; one of zeros was left open by its data, and agrees with nothing.
        second: As many others.

    Example:
        >>> same_class(torch.eye(4), torch.eye(4)[[0, 1, 3, 2]])
        0.5
    """
    return float((first * second).sum(-1).clamp(0, 1).mean())


def best_match(first: Tensor, second: Tensor) -> float:
    r"""The mean \|cosine\| of directions that are matched one to one so that it is largest.

    .. math::
        \max_\pi \frac1k \sum_f |\langle u_f, u'_{\pi(f)} \rangle|

    The matching is the Hungarian method's (H. W. Kuhn, 1955, https://doi.org/10.1002/nav.3800020109).

    Args:
        first: Unit directions, ``(feature, dim)``; one of zeros was left open by its data, and agrees with nothing.
        second: As many others.

    Example:
        >>> best_match(torch.eye(4), -torch.eye(4)[[0, 1, 3, 2]])
        1.0
    """
    cosines = (first @ second.T).abs().clamp(max=1).double()
    rows, columns = linear_sum_assignment(cosines.numpy(), maximize=True)
    return float(cosines[rows, columns].mean())


def subspace(first: Tensor, second: Tensor) -> float:
    r"""The mean squared cosine of the principal angles between two spans, :math:`\|U U'^\top\|_F^2 / k`.

    1 where the spans are the same, whatever their bases; k / dim on average for random ones. Source: A. Bjorck and
    G. H. Golub, 1973, https://doi.org/10.1090/S0025-5718-1973-0348991-3.

    Args:
        first: Orthonormal directions, ``(feature, dim)``; one of zeros was left open by its data.
        second: As many others.

    Example:
        >>> turned = torch.tensor([[0.6, 0.8, 0.0], [-0.8, 0.6, 0.0]])
        >>> round(subspace(torch.eye(3)[:2], turned), 6)
        1.0
    """
    return min(1.0, float((first @ second.T).square().sum()) / len(first))


@dataclass(frozen=True)
class Agreement:
    """A figure of agreement and its rule in words.

    Example:
        >>> facts = SAME_CLASS(torch.eye(4), torch.eye(4), seed=0)
        >>> facts["stability"], facts["stability_null"] < 0.5
        (1.0, True)
    """

    measure: Callable[[Tensor, Tensor], float]
    rule: str

    def __call__(
        self, first: Tensor, second: Tensor, *, seed: int, nonnegative: bool = False
    ) -> dict[str, str | float]:
        """The agreement of two sets ``(feature, dim)``, that of random directions, and the rule.

        Args:
            first: Unit directions of one half.
            second: Of the other.
            seed: Of the random directions.
            nonnegative: Whether the random directions have no negative entries, as the others have none.
        """
        shape = (_RANDOM_PAIRS, 2, *first.shape)
        pairs = torch.randn(shape, generator=generator("chance", seed), dtype=torch.float64)
        pairs = unit(pairs.abs() if nonnegative else pairs)
        return {
            "stability": self.measure(first, second),
            "stability_null": sum(self.measure(*pair) for pair in pairs) / _RANDOM_PAIRS,
            "stability_rule": self.rule,
        }


SAME_CLASS = Agreement(
    same_class, "mean cosine of each class's directions from two random halves of the samples, 0 where negative"
)
BEST_MATCH = Agreement(
    best_match, "mean |cosine| of the directions from two random halves of the samples, matched one to one"
)


def unit(vectors: Tensor, *, least: float | Tensor = 0.0) -> Tensor:
    """The vectors ``(feature, dim)`` with norm 1; zeros where a norm is no more than ``least`` and rounding.

    Example:
        >>> unit(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
        tensor([[0.6000, 0.8000],
                [0.0000, 0.0000]])
    """
    norms = vectors.norm(dim=-1, keepdim=True)
    return torch.where(norms > least, vectors / norms.clamp(min=torch.finfo(vectors.dtype).tiny), 0.0)


def determined(vectors: Tensor, advice: str) -> Tensor:
    """The vectors ``(feature, dim)`` in float32, if each is one.

    Raises:
        ValueError: one is all zeros: the data leave it open.

    Example:
        >>> determined(torch.eye(2, dtype=torch.float64), "take more data").dtype
        torch.float32
    """
    open_ones = [int(place) for place in (vectors == 0).all(-1).nonzero()]
    if open_ones:
        raise ValueError(
            f"expected data that determine {len(vectors)} directions, got {len(open_ones)} left open, the first of "
            f"them {open_ones[0]}; {advice}"
        )
    return vectors.float()
