"""How many directions of a weight count: its effective rank and its stable rank."""

import torch

from probes.quantities.contract.quantity import Quantity
from probes.quantities.contract.state import State
from probes.quantities.spectrum import singular_values
from probes.schedules import Schedule

__all__ = ["effective_rank", "stable_rank"]


def effective_rank(name: str, *, dims: tuple[str, ...] = (), schedule: Schedule | None = None) -> Quantity:
    r"""The effective rank :math:`\exp(-\sum_i p_i \ln p_i)` with :math:`p_i = \sigma_i / \sum_j \sigma_j`.

    A series called ``<name>.effective_rank``, axes ``dims``, from 1 to the number of singular values; 0 for a weight of
    zeros. Roy & Vetterli 2007, Definition 1, https://ieeexplore.ieee.org/document/7098875. Arguments, errors and cost
    are those of `spectrum`.

    Example:
        >>> effective_rank("weight")(State(0, {"weight": torch.eye(3)}))
        tensor(3.)
    """

    def measure(state: State) -> torch.Tensor:
        values = singular_values(state, name, dims)
        total = values.sum(-1, keepdim=True)
        shares = values / total.clamp(min=torch.finfo(values.dtype).tiny)

        rank = torch.special.entr(shares).sum(-1).exp()
        return torch.where(total[..., 0] > 0, rank, 0)

    return Quantity(f"{name}.effective_rank", dims, measure, reads=(name,), quantity="rank", schedule=schedule)


def stable_rank(name: str, *, dims: tuple[str, ...] = (), schedule: Schedule | None = None) -> Quantity:
    r"""The stable rank :math:`\|W\|_F^2 / \|W\|_2^2 = \sum_i \sigma_i^2 / \sigma_1^2`.

    A series called ``<name>.stable_rank``, axes ``dims``, from 1 to the rank; 0 for a weight of zeros. Rudelson &
    Vershynin 2007, https://arxiv.org/abs/math/0503442. Arguments, errors and cost are those of `spectrum`.

    Example:
        >>> stable_rank("weight")(State(0, {"weight": torch.tensor([[2.0, 0.0], [0.0, 1.0]])}))
        tensor(1.2500)
    """

    def measure(state: State) -> torch.Tensor:
        values = singular_values(state, name, dims)
        largest = values[..., :1].clamp(min=torch.finfo(values.dtype).tiny)
        return (values / largest).square().sum(-1)

    return Quantity(f"{name}.stable_rank", dims, measure, reads=(name,), quantity="rank", schedule=schedule)
