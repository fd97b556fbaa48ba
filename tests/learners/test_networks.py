import pytest
import torch

from probes.learners.activations import SmoothedReLU
from probes.learners.ensembles import ensemble
from probes.learners.multiview import MultiView
from probes.learners.networks import NOISE_CHUNK, initialise
from probes.learners.samples import Inputs

DATA = MultiView(classes=3, patches=9, feature_patches=2, sparsity=1.0, single_view_share=0.25)
INPUTS = DATA.sample(24, seed=0).private()


def start(seeds, inputs=INPUTS):
    return initialise(inputs, SmoothedReLU(3, 0.5), classes=3, neurons=40, init_scale=0.2, seeds=seeds)


def test_initial_weights_and_noise_products_have_the_variance_of_the_definition():
    networks = start(range(20))
    assert networks.weights.std().item() == pytest.approx(0.2, rel=0.03)
    assert networks.memory.std().item() == pytest.approx(0.2 * 0.5, rel=0.03)
    assert networks.memory.mean().item() == pytest.approx(0.0, abs=0.002)


def test_runs_with_other_seeds_are_other_networks():
    networks = start([0, 1])
    assert not torch.equal(networks.weights[:, 0], networks.weights[:, 1])
    assert not torch.equal(networks.memory[:, :, 0], networks.memory[:, :, 1])


def test_test_noise_depends_on_seed_and_chunk_alone():
    test = DATA.single_view(10, seed=3).private()
    together, alone = start([4, 5]).test_noise(test, chunk=2), start([5]).test_noise(test, chunk=2)
    assert torch.equal(together[:, :, 1:], alone)
    assert not torch.equal(alone, start([5]).test_noise(test, chunk=3))


def test_test_outputs_are_outputs_with_the_noise_of_each_chunk():
    test, networks = DATA.multi_view(NOISE_CHUNK + 7, seed=3).private(), start([4])
    first, rest = slice(0, NOISE_CHUNK), slice(NOISE_CHUNK, None)
    pieces = [
        networks.outputs(test[rows], networks.test_noise(test[rows], chunk=chunk))
        for chunk, rows in ((8, first), (9, rest))
    ]
    assert torch.equal(networks.test_outputs(test, first_chunk=8), torch.cat(pieces, 1))


def test_selected_runs_are_copies():
    networks = start([4, 5, 6])
    chosen = networks.select([2, 0])
    assert chosen.seeds == ((6,), (4,))
    chosen.weights.zero_()
    assert networks.weights.abs().sum() > 0


def test_inputs_of_another_dim_are_refused():
    other = Inputs(torch.zeros(2, 9, 7), torch.zeros(2, 9), torch.tensor([0, 1]))
    with pytest.raises(ValueError, match=r"^Shape mismatch: expected inputs of dim 6, got 7\.$"):
        start([0]).outputs(other)


def test_runs_of_unequal_membership_are_refused():
    with pytest.raises(ValueError, match=r"^expected as many members in every run, got \[1, 2\]$"):
        start([0, (1, 2)])


def test_an_ensemble_is_the_scaled_mean():
    outputs = torch.randn(4, 5, 3)
    by_loops = [[3 * sum(outputs[s, n, i].item() for s in range(4)) / 4 for i in range(3)] for n in range(5)]
    assert torch.allclose(ensemble(outputs, scale=3.0), torch.tensor(by_loops), atol=1e-6)


@pytest.mark.parametrize("noise", [0.0, 0.8])
def test_what_neurons_contribute_sums_to_the_outputs(noise):
    data = MultiView(classes=3, patches=9, feature_patches=2, sparsity=1.0, noise=noise, background_noise=noise)
    inputs = data.sample(700, seed=0).private()
    networks = initialise(inputs, SmoothedReLU(), classes=3, neurons=4, init_scale=0.3, seeds=[0, 1])

    parts = networks.test_contributions(inputs, first_chunk=2)
    assert parts.shape == (2, 700, 3, 4)
    torch.testing.assert_close(parts.sum(-1), networks.test_outputs(inputs, first_chunk=2))
