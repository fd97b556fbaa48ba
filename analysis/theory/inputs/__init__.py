"""Ensembles on Gaussian inputs, the contrast of Figure 7: findings in the order in which a report shows them."""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["ROOMS"]

# Module of a finding, and the names of its tables, which are functions of a study.
ROOMS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "inputs": ("inputs",),
    "first_layer": ("first_layer",),
})
