import math

import pytest
import torch
from torch import nn

from probes.learners.images.networks import ImageNetwork
from probes.learners.images.residual import Block

IMAGES = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def weights(network):
    return sum(each.numel() for each in network.parameters())


@pytest.mark.parametrize(
    ("network", "million"),
    [
        (ImageNetwork("resnet", depth=20), 0.27),  # Table 6 of He et al.
        (ImageNetwork("resnet", depth=32), 0.46),
        (ImageNetwork("wrn", depth=40, width=1), 0.6),  # Table 4 of Zagoruyko and Komodakis
        (ImageNetwork("wrn", depth=16, width=8), 11.0),
        (ImageNetwork("wrn", depth=28, width=10), 36.5),
    ],
    ids=str,
)
def test_networks_are_as_large_as_published(network, million):
    assert weights(network.build((3, 32, 32), 10)) / 1e6 == pytest.approx(million, rel=0.02, abs=0.05)


@pytest.mark.parametrize("side", [28, 32])
@pytest.mark.parametrize("kind", ["conv", "mlp", "resnet", "wrn"])
def test_every_network_takes_the_common_sizes(kind, side):
    network = ImageNetwork(kind, widths=(8, 8), depth={"wrn": 10}.get(kind, 8))

    assert network.build((1, side, side), 7)(torch.zeros(3, 1, side, side)).shape == (3, 7)


def test_the_convolutional_network_is_what_one_would_write():
    network = ImageNetwork(widths=(4, 5, 6), batch_norm=True, power=3, pool="average").build((3, 32, 32), 10, seed=0)
    first, norm, _, second, other, _, third, last, _, _, head = network
    network.eval()
    norm.running_mean += 0.1
    units = norm(nn.functional.conv2d(IMAGES, first.weight, first.bias, 2, 2)).clamp_min(0) ** 3
    units = other(nn.functional.conv2d(units, second.weight, second.bias, 2, 1)).clamp_min(0) ** 3
    units = last(nn.functional.conv2d(units, third.weight, third.bias, 1, 1)).clamp_min(0) ** 3

    torch.testing.assert_close(network(IMAGES), units.mean((2, 3)) @ head.weight.T + head.bias)


def test_a_shortcut_that_shrinks_takes_every_second_place_and_adds_empty_channels():
    block = Block(4, 8, 2).eval()
    nn.init.zeros_(block.second_norm.weight)
    inputs = IMAGES.relu()[:, [0, 1, 2, 0]]
    units = block(inputs).detach()

    torch.testing.assert_close(units[:, 2:6], inputs[:, :, ::2, ::2])
    assert float(units[:, [0, 1, 6, 7]].abs().sum()) == 0


def test_a_seed_fixes_the_weights_and_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    one, same, other = (ImageNetwork().build((1, 8, 8), 4, seed=seed) for seed in (1, 1, 2))

    assert torch.get_rng_state().equal(before)
    assert one[0].weight.equal(same[0].weight)
    assert not one[0].weight.equal(other[0].weight)


def test_he_initialisation_has_variance_two_over_fan_in():
    network = ImageNetwork("mlp", widths=(400,), initialisation="he").build((1, 20, 20), 10, seed=0)

    assert float(network[1].weight.detach().std()) == pytest.approx(math.sqrt(2 / 400), rel=0.02)
    assert float(network[1].bias.detach().abs().sum()) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "vit"}, """expected `kind` "conv", "mlp", "resnet" or "wrn", got 'vit'"""),
        ({"widths": ()}, r"expected `widths` >= 1, at least one, got \[\]"),
        ({"pool": "sum"}, """expected `pool` "max" or "average", got 'sum'"""),
        ({"power": 0}, "expected `power` >= 1, got 0"),
        ({"initialisation": "zero"}, """expected `initialisation` "default" or "he", got 'zero'"""),
        ({"kind": "resnet", "depth": 18}, r"expected `depth` 6 n \+ 2 for 'resnet', got 18"),
        ({"kind": "wrn", "depth": 20}, r"expected `depth` 6 n \+ 4 for 'wrn', got 20"),
        ({"width": 0}, "expected `width` >= 1, got 0"),
    ],
)
def test_impossible_values_are_refused_with_the_reason(change, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        ImageNetwork(**change)
