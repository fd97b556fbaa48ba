import math

import torch

from probes.quantities import State, weight_norm

WEIGHT = torch.randn(4, 3, 2, 2, generator=torch.Generator().manual_seed(0))


def test_the_norm_of_a_neuron_is_over_all_its_weights():
    norms = weight_norm("conv")(State(0, {"conv": WEIGHT}))
    expected = [math.sqrt(sum(float(value) ** 2 for value in neuron.flatten())) for neuron in WEIGHT]

    torch.testing.assert_close(norms, torch.tensor(expected))


def test_leading_axes_are_kept():
    quantity = weight_norm("w", dims=("class", "neuron"))

    assert quantity.dims == ("class", "neuron")
    assert quantity(State(0, {"w": WEIGHT})).shape == (4, 3)
