import numpy as np
import pytest
import torch
from torch.nn.functional import conv_transpose2d

from probes.estimators import Patches, patch_components

GENERATOR = torch.Generator().manual_seed(0)
BASIS = torch.linalg.qr(torch.randn(12, 12, generator=GENERATOR))[0]
SCALES = torch.tensor([9.0, 7, 5, 3, 1, 1, 1, 1, 0.1, 0.1, 0.1, 0.1])
DATA = torch.randn(5000, 12, generator=GENERATOR) * SCALES @ BASIS.T + 5 * BASIS[:, 11]


def test_planted_features_of_different_variance_are_found_in_order():
    found = patch_components(DATA, components=4)

    assert float((found.flat() @ BASIS[:, :4]).abs().diagonal().min()) > 0.99
    assert found.facts["stability"] > 0.95
    assert found.facts["explained"] == pytest.approx(float(SCALES[:4].square().sum() / SCALES.square().sum()), abs=0.01)


@pytest.mark.parametrize("centre", [True, False])
def test_components_are_singular_vectors(centre):
    rows = DATA.double().numpy()
    _, _, expected = np.linalg.svd(rows - rows.mean(0) * centre, full_matrices=False)
    found = patch_components(DATA, components=4, centre=centre)

    np.testing.assert_allclose(np.abs(found.vectors.double().numpy() @ expected[:4].T), np.eye(4), atol=1e-5)


def test_features_hidden_in_images_are_found_by_patches():
    features = torch.linalg.qr(torch.randn(27, 2, generator=GENERATOR))[0].T.reshape(2, 3, 3, 3)
    places = torch.randn(300, 2, 3, 3, generator=GENERATOR) * torch.tensor([3.0, 2.0]).view(2, 1, 1)
    images = conv_transpose2d(places, features, stride=3)
    images += 0.1 * torch.randn(images.shape, generator=GENERATOR)
    found = patch_components(images, components=2, layout=Patches(3, stride=3))

    assert float((found.flat() @ features.flatten(1).T).abs().diagonal().min()) > 0.99
    assert (found.facts["samples"], found.facts["rows"]) == (300, 2700)


def test_components_point_to_where_the_data_are():
    shifted = DATA + 3 * BASIS[:, 0] - 2 * BASIS[:, 1]
    along = patch_components(shifted, components=2).flat() @ BASIS[:, :2]

    assert [round(float(cosine)) for cosine in along.diagonal()] == [1, -1]


def test_a_component_without_a_side_has_its_largest_entry_positive():
    found = patch_components(torch.cat([DATA, -DATA]), components=4).flat()

    assert all(float(component[component.abs().argmax()]) > 0 for component in found)


def test_components_of_equal_variance_are_known_by_their_span():
    scales = torch.tensor([5.0] * 4 + [0.1] * 8)
    found = patch_components(torch.randn(4000, 12, generator=GENERATOR) * scales @ BASIS.T, components=4)

    assert found.facts["subspace_stability"] > 0.99
    assert found.facts["subspace_null"] == pytest.approx(4 / 12)
    assert found.facts["stability"] < 0.95


def test_the_patches_of_a_sample_are_in_one_half():
    # Every sample has a direction of its own, and its patches say nothing else: no half knows the other's.
    data = torch.eye(40).unsqueeze(1).repeat(1, 50, 1)
    found = patch_components(data, components=10, centre=False)

    assert found.facts["stability"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: patch_components(DATA, components=13),
            "expected `components` from 1 to 12, the dim of the data, got 13",
        ),
        (
            lambda: patch_components(DATA @ BASIS[:, :3] @ BASIS[:, :3].T, components=5),
            "expected data that determine 5 directions, got 2 left open, the first of them 3; take fewer components, "
            "or more data",
        ),
        (
            lambda: patch_components(torch.ones(9, 2), components=1),
            "expected data that determine 1 directions, got 1 left open, the first of them 0; take fewer components, "
            "or more data",
        ),
    ],
)
def test_what_gives_no_direction_is_refused(make, message):
    with pytest.raises(ValueError, match="expected") as refused:
        make()

    assert str(refused.value) == message
