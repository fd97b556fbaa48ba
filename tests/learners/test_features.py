import pytest
import torch

from probes.learners.features import orthonormal_features, standard_features


@pytest.mark.parametrize("features", [standard_features(5), orthonormal_features(5, 40, seed=3)])
def test_features_are_orthonormal(features):
    for j, v in [(j, v) for j in range(5) for v in range(2)]:
        for other, view in [(j, v) for j in range(5) for v in range(2)]:
            expected = float((j, v) == (other, view))
            assert torch.dot(features[j, v], features[other, view]).item() == pytest.approx(expected, abs=1e-6)


def test_the_same_seed_gives_the_same_bits_and_another_does_not():
    assert torch.equal(orthonormal_features(3, 9, seed=1), orthonormal_features(3, 9, seed=1))
    assert not torch.equal(orthonormal_features(3, 9, seed=1), orthonormal_features(3, 9, seed=2))


def test_too_small_a_dimension_is_refused():
    message = r"expected `dim` >= 10 \(classes x views orthogonal features\), got 9: raise noise.dim"
    with pytest.raises(ValueError, match=f"^{message}$"):
        orthonormal_features(5, 9, seed=0)
