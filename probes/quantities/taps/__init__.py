"""Taps: correlations of parameters with directions, chosen by name, reduced, and with random directions beside them."""

from probes.quantities.taps.correlation import inner_products
from probes.quantities.taps.reductions import Largest, OwnClass, Reduction, Strength
from probes.quantities.taps.tap import Tap, as_tap
from probes.quantities.taps.tapped import Chosen, Tapped, nulls, tapped

__all__ = [
    "Chosen",
    "Largest",
    "OwnClass",
    "Reduction",
    "Strength",
    "Tap",
    "Tapped",
    "as_tap",
    "inner_products",
    "nulls",
    "tapped",
]
