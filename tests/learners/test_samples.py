import pytest
import torch

from probes.learners.features import orthonormal_features
from probes.learners.multiview import MultiView

DATA = MultiView(classes=3, patches=9, feature_patches=2, sparsity=1.0, noise=0.5, background_noise=0.8)
SAMPLES = DATA.multi_view(60, seed=0)


def test_gaussian_patches_are_features_plus_noise_off_the_features():
    features = orthonormal_features(3, 400, seed=1)
    patches = SAMPLES.gaussian(features, seed=2).design
    assert torch.allclose(torch.einsum("npd,fd->npf", patches, features.flatten(0, 1)), SAMPLES.coefficients, atol=1e-5)
    noise = patches - SAMPLES.coefficients @ features.flatten(0, 1)
    assert torch.allclose(noise.norm(dim=-1), SAMPLES.noise, rtol=0.2)


def test_gaussian_noise_needs_room_beside_the_features():
    with pytest.raises(ValueError, match=r"^expected `dim` > 6 \(the features\) so that noise has room, got 6$"):
        SAMPLES.gaussian(orthonormal_features(3, 6, seed=1), seed=2)


def test_adding_puts_one_set_after_the_other():
    both = SAMPLES + DATA.single_view(6, seed=1)
    assert len(both) == 66
    assert torch.equal(both.labels[60:], DATA.single_view(6, seed=1).labels)
