"""What is recorded of a model: the parameters that a name or glob chooses, and what stands beside the correlations."""

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor
from torch.nn import Module

from probes.errors import UsageError
from probes.models import Parameters, is_readable
from probes.quantities import Quantity, State, Tap, weight_norm

__all__ = ["beside", "chosen"]


def chosen(key: str, parameters: Parameters) -> list[str]:
    """The names that a name or glob chooses, none where it fits none.

    Example:
        >>> from torch import nn
        >>> parameters = Parameters(nn.Sequential(nn.Linear(3, 2)))
        >>> chosen("*.weight", parameters), chosen("conv1.weight", parameters)
        (['0.weight'], [])
    """
    try:
        return parameters.matching(key)
    except UsageError:
        return []


def beside(taps: Mapping[str, Tap], model: Module) -> list[Quantity]:
    """The quantities that are recorded beside the correlations: the norm of every neuron of a tapped parameter.

    Where nothing is tapped it is the norm of every weight as a whole, one number a step, so that a large model, too,
    can be recorded at every step. A weight is trained and has two axes or more; where there is none, every trained
    parameter counts.

    Args:
        taps: Parameter's name -> its tap.
        model: The model.

    Example:
        >>> import torch
        >>> from probes.directions import Directions
        >>> model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Linear(2, 2))
        >>> [(norm.name, norm.dims) for norm in beside({}, model)]
        [('0.weight.norm', ()), ('1.weight.norm', ())]
        >>> [(norm.name, norm.dims) for norm in beside({"0.weight": Tap(Directions(torch.eye(3)))}, model)]
        [('0.weight.norm', ('neuron',))]
    """
    if taps:
        return [_norm(name, tap) for name, tap in taps.items()]

    parameters = Parameters(model)
    # A weight that is tied to another has several names; the first is enough.
    leaves = {id(leaf): name for name, leaf in reversed([(name, parameters.leaf(name)) for name in parameters])}
    names = [name for name in parameters if name in leaves.values() and is_readable(parameters.leaf(name))]
    trained = [name for name in names if parameters.leaf(name).requires_grad]
    weights = [name for name in trained if parameters.leaf(name).ndim > 1]
    return [weight_norm(name, dims=()) for name in weights or trained]


def _norm(name: str, tap: Tap) -> Quantity:
    """The norm of every neuron, in the layout of the tap."""
    norm = weight_norm(name, dims=tap.dims)
    if not (tap.split or tap.transposed):
        return norm

    def measure(state: State) -> Tensor:
        return norm.measure(State(state.step, {name: tap.laid_out(state.parameters[name], name)}))

    return replace(norm, measure=measure)
