"""What a layer makes of inputs that stay the same: its activations on a probe batch, along directions."""

import torch

from probes.directions import Directions
from probes.quantities.contract.probe_batch import ProbeBatch
from probes.quantities.contract.quantity import Quantity
from probes.quantities.contract.state import State
from probes.quantities.taps.correlation import inner_products
from probes.schedules import Schedule

__all__ = ["activations"]


def activations(
    module: str, inputs: torch.Tensor | ProbeBatch, directions: Directions, *, schedule: Schedule | None = None
) -> Quantity:
    r"""The quantity :math:`\langle h(x_n), v_{j,\ell} \rangle` of a module's output h, called ``<module>.activations``.

    The model is evaluated as a `ProbeBatch` does it, and is left as it was. It costs a forward pass of the batch at
    every step at which it is measured: give it a schedule or few samples.

    Args:
        module: Name of the module, as in ``model.named_modules()``.
        inputs: A probe batch, whose forward pass all quantities share that are given it; or its inputs alone.
        directions: Directions in the space of the module's output, flattened per sample.
        schedule: At which steps; default, at those of the recorder.

    Raises:
        UsageError: (when measured) the model has no such module, or its output is no tensor or of another dim.

    Example:
        >>> model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout())
        >>> _ = torch.nn.init.eye_(model[0].weight), torch.nn.init.zeros_(model[0].bias)
        >>> shown = activations("1", torch.tensor([[1.0, 2.0]]), Directions(torch.eye(2)))
        >>> shown(State(0, dict(model.named_parameters()), model))
        tensor([[1., 2.]])
    """
    batch = inputs if isinstance(inputs, ProbeBatch) else ProbeBatch(inputs, name=f"{module}.inputs")
    samples = {} if batch.ids is None else {"sample": tuple(map(str, batch.ids))}

    def measure(state: State) -> torch.Tensor:
        output = batch.activations(state, module)
        return inner_products(output.flatten(1), directions, axes=1, name=f"{module}(inputs)")

    dims = ("sample", *directions.names)
    return Quantity(
        f"{module}.activations",
        dims,
        measure,
        labels={**samples, **directions.labels},
        directions=directions.stored(),
        quantity="activation",
        schedule=schedule,
        probe_batches=(batch,),
    )
