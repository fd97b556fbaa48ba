"""Directions for networks whose features nobody planted: estimated from data or from a reference network.

Each estimator is a function of data that returns `probes.Directions` of unit norm, whose facts say how they came
about: estimator and settings, hash and number of the samples, and a stability figure with its rule and with what
random directions would score.
"""

from probes.estimators.class_means import class_means
from probes.estimators.dictionary import dictionary
from probes.estimators.linear_probes import linear_probes
from probes.estimators.nonnegative_parts import nonnegative_parts
from probes.estimators.patch_components import patch_components
from probes.estimators.patches import Patches
from probes.estimators.reference_weights import reference_weights

__all__ = [
    "Patches",
    "class_means",
    "dictionary",
    "linear_probes",
    "nonnegative_parts",
    "patch_components",
    "reference_weights",
]
