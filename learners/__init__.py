"""The theory's learner: multi-view data, patch networks trained side by side, ensembles and distillation.

Source: Z. Allen-Zhu and Y. Li, "Towards Understanding Ensemble, Knowledge Distillation and Self-Distillation in Deep
Learning", ICLR 2023, https://arxiv.org/abs/2012.09816. Nothing here knows how training is recorded: `train` calls any
``on_step``.
"""

from probes.learners.activations import SmoothedReLU
from probes.learners.ensembles import ensemble
from probes.learners.features import orthonormal_features, standard_features
from probes.learners.multiview import MultiView
from probes.learners.networks import Networks, initialise
from probes.learners.objectives import CrossEntropy, Distillation, truncated_scaled_logit
from probes.learners.optimizers import Optimizer
from probes.learners.recipes import Recipe
from probes.learners.samples import Inputs, Samples
from probes.learners.training import State, train
from probes.learners.two_class import TwoClass

__all__ = [
    "CrossEntropy",
    "Distillation",
    "Inputs",
    "MultiView",
    "Networks",
    "Optimizer",
    "Recipe",
    "Samples",
    "SmoothedReLU",
    "State",
    "TwoClass",
    "ensemble",
    "initialise",
    "orthonormal_features",
    "standard_features",
    "train",
    "truncated_scaled_logit",
]
