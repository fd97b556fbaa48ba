"""Whether two layers in a row share what they do alike: the balance that gradient flow conserves."""

import torch

from probes.errors import UsageError
from probes.quantities.contract.quantity import Quantity
from probes.quantities.contract.rows import product, rows
from probes.quantities.contract.state import State
from probes.schedules import Schedule

__all__ = ["balance"]


def balance(first: str, second: str, *, per_neuron: bool = False, schedule: Schedule | None = None) -> Quantity:
    r"""The norm of :math:`D = W_2^\top W_2 - W_1 W_1^\top` of two layers in a row, absolute and relative.

    A series called ``<first>.balance``, axis ``(measure,)``: ``norm``, :math:`\|D\|_F`, and ``relative``,
    :math:`\|D\|_F / (\|W_2^\top W_2\|_F + \|W_1 W_1^\top\|_F)` in [0, 1], 0 where both layers are zero. With
    ``per_neuron`` it is the diagonal of D, axis ``(neuron,)``: a neuron's outgoing weights squared less its incoming
    ones.

    Gradient flow conserves all of D in linear networks (Arora et al. 2018, Theorem 1, https://arxiv.org/abs/1802.06509)
    and its diagonal in networks of ReLU, both without biases (Du et al. 2018, https://arxiv.org/abs/1806.00900). What
    changes it is the size of the steps, noise, weight decay, and the optimizer where it is not plain gradient descent.

    For h neurons between d inputs and o outputs some 2 h^2 (d + o) operations; per neuron 2 h (d + o).

    Args:
        first: Name of the weight ``(neuron, ...)``.
        second: Name of the weight of the layer after it, ``(output, neuron, ...)``. Of convolutions further axes are
            flattened.
        per_neuron: Whether each neuron's own balance is recorded.
        schedule: At which steps; default, at those of the recorder.

    Raises:
        UsageError: (when measured) a parameter has fewer axes, or the second takes in another number of neurons.

    Example:
        >>> parameters = {"0.weight": torch.tensor([[3.0, 4.0]]), "1.weight": torch.tensor([[2.0]])}
        >>> balance("0.weight", "1.weight")(State(0, parameters))
        tensor([21.0000,  0.7241])
        >>> balance("0.weight", "1.weight", per_neuron=True)(State(0, parameters))
        tensor([-21.])
    """

    def measure(state: State) -> torch.Tensor:
        incoming, outgoing = _both(state, first, second)
        if per_neuron:
            return outgoing.square().sum(1) - incoming.square().sum(1)
        after, before = product(outgoing, outgoing.T), product(incoming, incoming.T)
        norm, total = (after - before).norm(), after.norm() + before.norm()
        return torch.stack([norm, norm / total.clamp(min=torch.finfo(total.dtype).tiny)])

    return Quantity(
        f"{first}.balance",
        ("neuron",) if per_neuron else ("measure",),
        measure,
        labels={} if per_neuron else {"measure": ("norm", "relative")},
        reads=(first, second),
        quantity="balance",
        schedule=schedule,
    )


def _both(state: State, first: str, second: str) -> tuple[torch.Tensor, torch.Tensor]:
    """The weights into each neuron and out of it, ``(neuron, ...)`` each, in one dtype."""
    incoming, outgoing = rows(state, first, ("neuron",)), rows(state, second, ("neuron",), transposed=True)
    if len(incoming) != len(outgoing):
        raise UsageError(
            f"expected `{second}` to take in the {len(incoming)} neurons of `{first}`, got shape "
            f"{tuple(state.parameters[second].shape)}; name two layers in a row"
        )
    kind = torch.promote_types(incoming.dtype, outgoing.dtype)
    return incoming.to(kind), outgoing.to(kind)
