"""What is measured at a recorded step: tensors in, one tensor out."""

from probes.quantities.activations import activations
from probes.quantities.active_share import active_share, dormant_share
from probes.quantities.alignment import alignment
from probes.quantities.balance import balance
from probes.quantities.cartography import cartography
from probes.quantities.contract import ProbeBatch, Quantity, State
from probes.quantities.cosine import cosine
from probes.quantities.distance import distance_from_start
from probes.quantities.gradient import gradient
from probes.quantities.gradient_noise import gradient_noise
from probes.quantities.gradient_outer_product import gradient_outer_product, gradient_outer_product_correlation
from probes.quantities.kernel_alignment import kernel_alignment
from probes.quantities.learning_events import first_learned, forgetting_events
from probes.quantities.linear_probe import linear_probe
from probes.quantities.neural_collapse import neural_collapse
from probes.quantities.norm import weight_norm
from probes.quantities.overlaps import overlaps
from probes.quantities.ranks import effective_rank, stable_rank
from probes.quantities.sample_losses import sample_losses, sample_margins
from probes.quantities.sharpness import sharpness
from probes.quantities.spectrum import spectrum
from probes.quantities.tangent_kernel import tangent_kernel_alignment
from probes.quantities.taps import (
    Chosen,
    Largest,
    OwnClass,
    Reduction,
    Strength,
    Tap,
    Tapped,
    as_tap,
    inner_products,
    nulls,
    tapped,
)
from probes.quantities.terms import update_terms
from probes.quantities.update_size import update_size

__all__ = [
    "Chosen",
    "Largest",
    "OwnClass",
    "ProbeBatch",
    "Quantity",
    "Reduction",
    "State",
    "Strength",
    "Tap",
    "Tapped",
    "activations",
    "active_share",
    "alignment",
    "as_tap",
    "balance",
    "cartography",
    "cosine",
    "distance_from_start",
    "dormant_share",
    "effective_rank",
    "first_learned",
    "forgetting_events",
    "gradient",
    "gradient_noise",
    "gradient_outer_product",
    "gradient_outer_product_correlation",
    "inner_products",
    "kernel_alignment",
    "linear_probe",
    "neural_collapse",
    "nulls",
    "overlaps",
    "sample_losses",
    "sample_margins",
    "sharpness",
    "spectrum",
    "stable_rank",
    "tangent_kernel_alignment",
    "tapped",
    "update_size",
    "update_terms",
    "weight_norm",
]
