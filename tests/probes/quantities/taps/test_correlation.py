import re
from itertools import product

import numpy as np
import pytest
import torch

from probes.directions import Directions
from probes.errors import UsageError
from probes.quantities import inner_products

GENERATOR = torch.Generator().manual_seed(0)
DIRECTIONS = Directions(torch.randn(3, 2, 12, generator=GENERATOR))

# A weight of each kind beside the number of leading axes that are kept.
WEIGHTS = {
    "linear (neuron, dim)": (torch.randn(5, 12, generator=GENERATOR), 1),
    "convolution (neuron, channel, height, width)": (torch.randn(5, 3, 2, 2, generator=GENERATOR), 1),
    "theory (class, neuron, dim)": (torch.randn(3, 4, 12, generator=GENERATOR), 2),
    "stacked (run, class, neuron, dim)": (torch.randn(2, 3, 4, 12, generator=GENERATOR), 3),
    "strided (run, class, neuron, dim)": (torch.randn(12, 2, 3, 4, generator=GENERATOR).permute(1, 2, 3, 0), 3),
    "one neuron (dim,)": (torch.randn(12, generator=GENERATOR), 0),
}


def looped(weight, axes, vectors):
    """The inner products one by one, each a sum over every entry of the flattened axes."""
    kept, classes, views = weight.shape[:axes], *vectors.shape[:2]
    products = np.zeros((*kept, classes, views))
    for neuron in np.ndindex(*kept):
        flat = [float(value) for value in weight[neuron].flatten()]
        for j, v in product(range(classes), range(views)):
            products[(*neuron, j, v)] = sum(w * float(d) for w, d in zip(flat, vectors[j, v], strict=True))
    return products


@pytest.mark.parametrize("name", WEIGHTS)
def test_inner_products_are_sums_over_the_flattened_axes(name):
    weight, axes = WEIGHTS[name]

    np.testing.assert_allclose(
        inner_products(weight, DIRECTIONS, axes=axes), looped(weight, axes, DIRECTIONS.vectors), atol=1e-5
    )


@pytest.mark.parametrize("name", WEIGHTS)
def test_identity_directions_give_the_weight_itself(name):
    weight, axes = WEIGHTS[name]
    identity = Directions(torch.eye(12).reshape(6, 2, 12))

    products = inner_products(weight, identity, axes=axes)

    np.testing.assert_allclose(products, looped(weight, axes, identity.vectors), atol=0)


def test_correlations_are_not_normalised():
    weight, _ = WEIGHTS["linear (neuron, dim)"]
    longer = Directions(DIRECTIONS.vectors * 3)

    torch.testing.assert_close(inner_products(weight * 2, longer), 6 * inner_products(weight, DIRECTIONS))


@pytest.mark.parametrize(("given", "kept"), [("bfloat16", "float32"), ("float32", "float32"), ("float64", "float64")])
def test_precision_is_the_weights_and_float32_at_least(given, kept):
    weight = torch.ones(5, 12, dtype=getattr(torch, given))

    assert inner_products(weight, DIRECTIONS).dtype == getattr(torch, kept)


def test_autocast_does_not_lower_the_precision():
    weight, _ = WEIGHTS["linear (neuron, dim)"]
    expected = inner_products(weight, DIRECTIONS)

    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(inner_products(weight, DIRECTIONS), expected, atol=0, rtol=0)


def test_another_dim_is_refused_with_both():
    with pytest.raises(UsageError, match="expected directions of dim 27") as refused:
        inner_products(torch.zeros(16, 3, 3, 3), DIRECTIONS, name="conv1.weight")

    assert str(refused.value) == (
        "expected directions of dim 27 for `conv1.weight` of shape (16, 3, 3, 3), whose axes after the first 1 are "
        "flattened, got dim 12 of Directions(feature_class=3, view=2, dim=12); give directions in its input space, or "
        "name the axes to keep with `Tap(directions, dims=(...))`"
    )


def test_fewer_axes_than_are_kept_are_refused():
    with pytest.raises(UsageError, match=re.escape("for `weight` of shape (12,), whose axes after the first 2")):
        inner_products(torch.zeros(12), DIRECTIONS, axes=2)
