"""What is measured at a recorded step: tensors in, one tensor out."""

from probes.quantities.correlation import correlation, inner_products
from probes.quantities.norm import weight_norm
from probes.quantities.parameters import Parameters
from probes.quantities.pending import Pending, all_finite
from probes.quantities.quantity import Quantity, State
from probes.quantities.tap import Tap, as_tap, stored_directions, tapped

__all__ = [
    "Parameters",
    "Pending",
    "Quantity",
    "State",
    "Tap",
    "all_finite",
    "as_tap",
    "correlation",
    "inner_products",
    "stored_directions",
    "tapped",
    "weight_norm",
]
