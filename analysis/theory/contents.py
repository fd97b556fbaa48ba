"""The lists of the theory's findings, in the order in which a report shows them."""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["OF_KIND", "ROOMS"]

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

# Modules of the findings about a study by `data.kind` of its recipe; "" stands for all that are not named. A kind of
# study with claims of its own is a line here; among its modules is that of the claims, which collects theirs.
OF_KIND: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "": tuple(f"probes.analysis.theory.findings.{room}" for room in ROOMS),
})
