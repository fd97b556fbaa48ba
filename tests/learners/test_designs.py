import pytest
import torch

from probes.learners.designs import OneFeature, Products, design_of
from probes.learners.samples import Inputs

FEATURE, STRENGTH = torch.tensor([[2, 0, 1], [1, 1, 0]]), torch.tensor([[1.5, 0.0, -2.0], [0.25, 4.0, 1.0]])
PATCHES = torch.zeros(2, 3, 3).scatter_(-1, FEATURE[..., None], STRENGTH[..., None])
COLUMNS = torch.arange(12.0).view(3, 4)
MEMORY = torch.linspace(-1, 1, 24).view(2, 3, 4)


def inputs(patches=PATCHES):
    return Inputs(patches, torch.ones(patches.shape[:2]), torch.zeros(len(patches), dtype=torch.int64))


@pytest.fixture(params=["products", "one-feature"])
def design(request):
    return Products(PATCHES) if request.param == "products" else design_of(inputs())


@pytest.mark.parametrize("memory", [None, MEMORY])
def test_preactivations_are_the_scaled_sum_of_memory_and_products(design, memory):
    out = torch.full((2, 3, 4), torch.nan)
    design.preactivations(COLUMNS, memory, scale=2.0, out=out)
    for sample in range(2):
        for patch in range(3):
            own = 0 if memory is None else memory[sample, patch]
            expected = 2 * (own + sum(PATCHES[sample, patch, dim] * COLUMNS[dim] for dim in range(3)))
            torch.testing.assert_close(out[sample, patch], expected)


def test_what_is_gathered_is_added_to_the_gradient(design):
    gradient = torch.ones(3, 4)
    design.gather(MEMORY.clone(), gradient)
    expected = 1 + sum(torch.outer(PATCHES[n, p], MEMORY[n, p]) for n in range(2) for p in range(3))

    torch.testing.assert_close(gradient, expected)


def test_some_samples_of_a_design_are_those_samples(design):
    out, whole = torch.empty(1, 3, 4), torch.empty(2, 3, 4)
    design[1:].preactivations(COLUMNS, None, scale=1.0, out=out)
    design.preactivations(COLUMNS, None, scale=1.0, out=whole)

    assert torch.equal(out, whole[1:])


def test_patches_with_one_feature_or_none_are_rows_of_the_weights():
    design = design_of(inputs())

    assert isinstance(design, OneFeature)
    assert torch.equal(design.strength[..., 0], STRENGTH)
    assert torch.equal(design.feature[STRENGTH != 0], FEATURE[STRENGTH != 0])


def test_one_patch_with_two_features_makes_it_matrix_products():
    patches = PATCHES.clone()
    patches[1, 2] = torch.tensor([0.0, 0.1, 0.1])

    assert design_of(inputs(patches)) == Products(patches)
