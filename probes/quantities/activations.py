"""What a layer makes of inputs that stay the same: its activations on a probe batch, along directions."""

import torch

from probes.directions import Directions
from probes.errors import UsageError
from probes.modules import named_modules
from probes.quantities.correlation import inner_products
from probes.quantities.evaluating import evaluating
from probes.quantities.quantity import Quantity, State

__all__ = ["activations"]


def activations(module: str, inputs: torch.Tensor, directions: Directions) -> Quantity:
    r"""The quantity :math:`\langle h(x_n), v_{j,\ell} \rangle` of a module's output h, called ``<module>.activations``.

    The model is evaluated as in evaluation mode, without gradients, and is left as it was: training mode, buffers,
    attributes and all random numbers; hooks of your own are not called. It costs a forward pass of the batch at every
    recorded step: give it a schedule or few samples.

    Args:
        module: Name of the module, as in ``model.named_modules()``.
        inputs: The probe batch, as the model takes it, axes ``(sample, ...)``, on the model's device.
        directions: Directions in the space of the module's output, flattened per sample.

    Raises:
        UsageError: (when measured) the model has no such module, or its output is no tensor or of another dim.

    Example:
        >>> model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout())
        >>> _ = torch.nn.init.eye_(model[0].weight), torch.nn.init.zeros_(model[0].bias)
        >>> shown = activations("1", torch.tensor([[1.0, 2.0]]), Directions(torch.eye(2)))
        >>> shown(State(0, dict(model.named_parameters()), model))
        tensor([[1., 2.]])
    """
    inputs = inputs.detach().clone()

    def measure(state: State) -> torch.Tensor:
        output = _output(state.model, module, inputs)
        return inner_products(output.flatten(1), directions, axes=1, name=f"{module}(inputs)")

    dims = ("sample", *directions.names)
    return Quantity(
        f"{module}.activations",
        dims,
        measure,
        labels=directions.labels,
        directions=directions.stored(),
        quantity="activation",
    )


def _output(model: torch.nn.Module | None, name: str, inputs: torch.Tensor) -> torch.Tensor:
    modules = dict(named_modules(model)) if model is not None else {}
    if model is None or name not in modules:
        raise UsageError(f"expected a module of the model, one of {', '.join(filter(None, modules))}; got `{name}`")

    seen: list[object] = []
    with evaluating(model):
        modules[name].register_forward_hook(lambda _module, _inputs, output: seen.append(output))
        model(inputs)
    if not seen or not isinstance(seen[0], torch.Tensor):
        raise UsageError(f"expected a tensor as output of `{name}`, got {type(seen[0]).__name__ if seen else 'none'}")
    return seen[0].detach()
