"""Directions that weights are correlated with: named vectors, where they come from, and random ones beside them."""

from probes.directions.directions import Directions

__all__ = ["Directions"]
