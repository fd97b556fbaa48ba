"""Where a gradient pulls: its inner products with directions."""

import torch

from probes.directions import Directions
from probes.errors import UsageError
from probes.models.distributed import whole
from probes.models.parameters import Parameters
from probes.quantities.contract.quantity import Quantity
from probes.quantities.contract.state import State
from probes.quantities.taps.tap import Tap, as_tap

__all__ = ["gradient"]


def gradient(name: str, directions: Directions | Tap) -> Quantity:
    r"""The quantity :math:`\langle \nabla_{w_{i,r}} L, v_{j,\ell} \rangle`, a series called ``<name>.gradient``.

    At step t it is the gradient that led to step t, as the parameter holds it when the update is done; at step 0, to
    which no update led, it is 0. Where several optimizers step in turn, an update may be noticed as late as when the
    next begins: what the parameter then holds may be the next gradient already.

    Args:
        name: The parameter's name.
        directions: Directions in its input space, or a `Tap` that says how the parameter is laid out.

    Raises:
        UsageError: (when measured) the gradient was set to None before the update was recorded.

    Example:
        >>> layer = torch.nn.Linear(2, 1)
        >>> layer.weight.grad = torch.tensor([[0.5, -1.0]])
        >>> gradient("weight", Directions(torch.eye(2)))(State(1, Parameters(layer), layer))
        tensor([[ 0.5000, -1.0000]])
    """
    tap = as_tap(directions)

    def measure(state: State) -> torch.Tensor:
        if state.step == 0:
            return tap.project(torch.zeros_like(state.parameters[name]), name)
        leaf = state.parameters.leaf(name) if isinstance(state.parameters, Parameters) else None
        if leaf is None or leaf.grad is None:
            raise UsageError(
                f"expected a gradient of `{name}` after update {state.step}, got None; call `zero_grad` before the "
                "backward pass instead of after the update"
            )
        return tap.project(whole(leaf.grad.detach()), name)

    return tap.declared(f"{name}.gradient{tap.suffix}", measure, quantity="gradient")
