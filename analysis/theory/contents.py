"""The lists of the theory's findings, in the order in which a report shows them."""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["INPUT_ROOMS", "ROOMS"]

# Module of a finding, and the names of its tables, which are functions of a study.
ROOMS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "winning_set": ("winning_set",),
    "coverage": ("coverage",),
    "growth": ("growth",),
    "missing_features": ("missing_features",),
    "claims": ("claims",),
    "race": (),
    "error_rates": ("error_rates",),
    "pairs": ("pairs",),
    "lottery": ("lottery",),
    "uncovered": ("uncovered",),
    "transfer": ("transfer",),
    "rises": (),
    "unions": ("unions",),
    "deletion": ("deletion", "deletion_rates"),
    "bounds": ("bounds",),
    "confusion": ("confusion",),
    "margins": ("margins",),
    "surviving_neurons": ("surviving_neurons",),
    "timing": ("timing",),
    "phases": ("phases",),
    "escape": ("escape",),
    "forces": ("forces", "force_shares"),
    "memorisation": ("memorisation",),
    "trajectories": (),
    "summary": ("summary",),
})

# The same of studies on Gaussian inputs; these modules lie in `probes.analysis.theory.inputs`.
INPUT_ROOMS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "inputs": ("inputs",),
    "first_layer": ("first_layer",),
})
