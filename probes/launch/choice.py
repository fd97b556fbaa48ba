"""What is recorded of a model: the parameters that names and globs choose, and what stands beside the correlations."""

from collections.abc import Iterable

from torch.nn import Module

from probes.errors import UsageError
from probes.quantities import Parameters, Quantity, weight_norm

__all__ = ["beside", "fitting"]


def fitting(keys: Iterable[str], model: Module) -> list[str]:
    """Those names and globs that choose a parameter of the model.

    Example:
        >>> from torch import nn
        >>> fitting(["conv1.weight", "*.weight"], nn.Sequential(nn.Linear(3, 2)))
        ['*.weight']
    """
    parameters = Parameters(model)
    return [key for key in keys if _chosen(key, parameters)]


def beside(keys: Iterable[str], model: Module) -> list[Quantity]:
    """The quantities that are recorded beside the correlations: the norm of every neuron of a tapped parameter.

    Where nothing is tapped it is the norm of every weight as a whole, one number a step, so that a large model, too,
    can be recorded at every step. A weight has two axes or more; where there is none, every parameter counts.

    Example:
        >>> from torch import nn
        >>> model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
        >>> [(norm.name, norm.dims) for norm in beside([], model)]
        [('0.weight.norm', ()), ('1.weight.norm', ())]
        >>> [(norm.name, norm.dims) for norm in beside(["0.weight"], model)]
        [('0.weight.norm', ('neuron',))]
    """
    parameters = Parameters(model)
    tapped = dict.fromkeys(name for key in keys for name in _chosen(key, parameters))
    if tapped:
        return [weight_norm(name) for name in tapped]

    # A weight that is tied to another has several names; the first is enough.
    leaves = {id(leaf): name for name, leaf in reversed([(name, parameters.leaf(name)) for name in parameters])}
    names = [name for name in parameters if name in leaves.values() and parameters.leaf(name).is_floating_point()]
    weights = [name for name in names if parameters.leaf(name).ndim > 1]
    return [weight_norm(name, dims=()) for name in weights or names]


def _chosen(key: str, parameters: Parameters) -> list[str]:
    try:
        return parameters.matching(key)
    except UsageError:
        return []
