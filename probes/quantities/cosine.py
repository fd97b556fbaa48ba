"""How far weights point along directions, whatever their lengths: cosines."""

from dataclasses import replace

import torch

from probes.directions import Directions
from probes.quantities.contract.quantity import Quantity
from probes.quantities.contract.state import State
from probes.quantities.taps.correlation import inner_products
from probes.quantities.taps.tap import Tap, as_tap

__all__ = ["cosine"]


def cosine(name: str, directions: Directions | Tap) -> Quantity:
    r"""The quantity :math:`\langle w_{i,r}, v_{j,\ell} \rangle / (\|w_{i,r}\| \|v_{j,\ell}\|)`.

    A series called ``<name>.cosine``, values in [-1, 1]; 0 for a weight that is zero.

    Args:
        name: The parameter's name.
        directions: Directions in its input space, or a `Tap` that says how the parameter is laid out.

    Example:
        >>> aligned = cosine("weight", Directions(2 * torch.eye(2)))
        >>> aligned(State(0, {"weight": torch.tensor([[3.0, 4.0], [0.0, 0.0]])}))
        tensor([[0.6000, 0.8000],
                [0.0000, 0.0000]])
    """
    tap = as_tap(directions)
    unit = Directions(tap.directions.vectors / tap.directions.vectors.norm(dim=-1, keepdim=True), tap.directions.names)

    def measure(state: State) -> torch.Tensor:
        weight = tap.laid_out(state.parameters[name], name)
        flat = weight.reshape(*weight.shape[: len(tap.dims)], -1)
        flat = flat.to(torch.promote_types(flat.dtype, torch.float32))
        lengths = flat.norm(dim=-1, keepdim=True).clamp(min=torch.finfo(flat.dtype).tiny)
        return tap.reduced(inner_products(flat / lengths, unit, axes=len(tap.dims), name=name))

    return replace(tap.declared(f"{name}.cosine{tap.suffix}", measure, quantity="cosine"), reads=(name,))
