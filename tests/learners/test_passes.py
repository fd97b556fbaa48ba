import pytest
import torch

from probes.learners.activations import SmoothedReLU
from probes.learners.designs import design_of
from probes.learners.multiview import MultiView
from probes.learners.networks import initialise
from probes.learners.passes import Eager, Share, blocks_of

DATA = MultiView(classes=3, patches=9, feature_patches=2, sparsity=1.0)
INPUTS = DATA.sample(10, seed=0).private().to(torch.float64)
ACTIVATION = SmoothedReLU(3, 0.5)


def start():
    return initialise(INPUTS, ACTIVATION, classes=3, neurons=2, init_scale=0.4, seeds=[0, 1])


def preactivations(networks):
    return INPUTS.design @ networks.weights.flatten(1) + networks.memory.flatten(2)


@pytest.mark.parametrize("values", [1, 300, 10**6])
def test_blocks_are_all_samples_once_and_share_the_memory(values):
    networks = start()
    blocks = list(blocks_of(networks, INPUTS, design_of(INPUTS), rate=2.0, values=values))

    assert [n for block in blocks for n in range(10)[block.rows]] == list(range(10))
    assert torch.equal(torch.cat([block.noise for block in blocks])[..., 0], 2 * INPUTS.noise**2)
    for block in blocks:
        block.memory.zero_()
    assert not networks.memory.any()


def test_units_are_activations_summed_over_patches():
    networks = start()
    passes = Eager(networks, INPUTS, design_of(INPUTS), 1.0)
    units = torch.cat([passes.units(block) for block in passes.blocks])

    torch.testing.assert_close(0.5 * units, ACTIVATION(preactivations(networks)).sum(1))


@pytest.mark.parametrize("told_apart", [True, False])
def test_a_pull_moves_the_memory_and_the_gradient_by_pull_times_slope_and_its_share_a_gradient_alone(told_apart):
    networks, pull = start(), torch.linspace(-1, 1, 120, dtype=torch.float64).view(10, 12)
    slope = ACTIVATION.derivative(preactivations(networks))
    before, gradient, own = networks.memory.flatten(2).clone(), *torch.zeros(2, 6, 12, dtype=torch.float64)
    passes = Eager(networks, INPUTS, design_of(INPUTS), 2.0)
    passes.units(passes.blocks[0])
    passes.pull(passes.blocks[0], pull, gradient, Share(pull.cos(), own) if told_apart else None)

    moved = 2.0 * INPUTS.noise.square().unsqueeze(-1) * slope * pull.unsqueeze(1)
    torch.testing.assert_close(networks.memory.flatten(2) - before, moved)
    for found, cause in ((gradient, pull), (own, told_apart * pull.cos())):
        torch.testing.assert_close(found, torch.einsum("npd,npc,nc->dc", INPUTS.design, slope, cause))
