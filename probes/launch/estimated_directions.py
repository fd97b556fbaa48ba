"""Directions for a parameter, estimated from the file that an option `--tap NAME=ESTIMATOR(FILE)` names.

Samples become the vectors that a neuron of the layer meets: patches as a convolution cuts them, else flattened samples.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import Module

from probes import estimators
from probes.directions import Directions
from probes.errors import UsageError
from probes.estimators import Patches
from probes.launch.estimator_options import ESTIMATORS
from probes.launch.sample_headers import INPUTS, LABELS, array_among, check_samples
from probes.launch.tap_text import TapText
from probes.models import Parameters

__all__ = ["Estimate", "estimate_for"]

_CONVOLUTIONS = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)


@dataclass(frozen=True)
class Estimate:
    """What is estimated; equal ones give equal directions. The random state of the program is not touched.

    Example:
        >>> from pathlib import Path
        >>> np.savez("data.npz", x=np.array([[2.0, 0.0], [0.0, 1.0]]), y=np.array([0, 1]))
        >>> text = TapText(Path("data.npz"), estimator="class_means")
        >>> Estimate(text.typed)(text).shape
        (2, 2)
    """

    typed: str
    patches: Patches | None = None
    flattened: bool = False
    name: str = ""  # of the parameter of a reference network

    def __call__(self, text: TapText) -> Directions:
        """The directions.

        Raises:
            UsageError: they cannot be estimated.
        """
        estimator = getattr(estimators, text.estimator)
        layout = torch.nn.Flatten() if self.flattened else self.patches
        try:
            # A program may have set up another device, on which random numbers are others.
            with torch.no_grad(), torch.device("cpu"):
                data, given = ([text.file], {"name": self.name}) if self.name else (_arrays(text), {"layout": layout})
                directions: Directions = estimator(*data, **{**given, **text.settings})
                return directions
        except (OSError, TypeError, ValueError, UsageError) as error:
            raise UsageError(f"no directions could be estimated for `{text.typed}`: {error}") from error


def estimate_for(text: TapText, name: str, model: Module, parameters: Parameters) -> Estimate:
    """What is to be estimated for a parameter of a model.

    Raises:
        UsageError: the samples cannot be read, or the patches of the convolution are none that its weight meets whole.

    Example:
        >>> from pathlib import Path
        >>> np.save("images.npy", np.zeros((5, 3, 8, 8)))
        >>> text = TapText(Path("images.npy"), estimator="patch_components")
        >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 5))
        >>> estimate_for(text, "0.weight", model, Parameters(model)).patches.kernel_size
        (5, 5)
    """
    if not ESTIMATORS[text.estimator].samples:
        return Estimate(text.typed, name=name)
    _, *axes = check_samples(text.file, labelled=ESTIMATORS[text.estimator].labelled)
    convolution = None if text.transposed else _convolution(name, model, parameters)
    if convolution is not None and len(axes) == 1 + len(convolution.kernel_size) and axes[0] == convolution.in_channels:
        try:
            return Estimate(text.typed, Patches.of(convolution))
        except ValueError as error:
            raise UsageError(f"no patches could be cut for `{text.typed}`: {error}") from error

    return Estimate(text.typed, flattened=len(axes) > 1 and math.prod(axes) == _dim(text, parameters[name]))


def _convolution(name: str, model: Module, parameters: Parameters) -> Any:
    """The convolution whose weight it is, if there is one."""
    layers = (layer for layer in model.modules() if isinstance(layer, _CONVOLUTIONS))
    return next((layer for layer in layers if parameters.matching(layer) == [name]), None)


def _dim(text: TapText, parameter: torch.Tensor) -> int:
    """Length of the vector that one neuron has."""
    shape = list(parameter.shape)
    if text.transposed:
        shape[:2] = reversed(shape[:2])
    return math.prod(shape[1 if text.split else len(text.dims) :])


def _arrays(text: TapText) -> list[NDArray[Any]]:
    """The inputs, and the labels where the estimator takes them."""
    if text.file.suffix == ".npy":
        return [np.load(text.file, allow_pickle=False)]
    wanted = (INPUTS, LABELS) if ESTIMATORS[text.estimator].labelled else (INPUTS,)
    with np.load(text.file, allow_pickle=False) as arrays:
        return [arrays[array_among(arrays.files, names, text.file)] for names in wanted]
