import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from probes.estimators import Patches, class_means

GENERATOR = torch.Generator().manual_seed(0)
CENTRES = torch.randn(4, 6, generator=GENERATOR) * 3
SPREAD = torch.tensor([0.2, 0.5, 1.0, 2.0, 3.0, 0.1])
LABELS = torch.randint(4, (8000,), generator=GENERATOR)
MIXTURE = CENTRES[LABELS] + SPREAD * torch.randn(8000, 6, generator=GENERATOR)


def cosines(found, expected):
    expected = torch.nn.functional.normalize(torch.as_tensor(expected).double(), dim=1)
    return (found.flat().double() * expected).sum(1)


def test_a_gaussian_mixture_shows_the_centres_of_its_classes():
    found = class_means(MIXTURE, LABELS)

    assert found.names == ("feature_class",)
    assert float(cosines(found, CENTRES - CENTRES[LABELS].mean(0)).min()) > 0.999
    assert found.facts["stability"] > 0.99


def test_a_class_is_seen_from_the_mean_of_all_samples():
    few = torch.cat([torch.arange(5), torch.tensor([7000, 7001])])
    x, y = MIXTURE[few].double().numpy(), np.array([0, 0, 0, 0, 1, 1, 1])
    expected = [x[y == j].mean(0) - x.mean(0) for j in (0, 1)]

    torch.testing.assert_close(cosines(class_means(x, y), np.array(expected)), torch.ones(2, dtype=torch.float64))


def test_pairs_point_from_the_second_class_to_the_first():
    found = class_means(MIXTURE, LABELS, contrast="pairs", class_names=["a", "b", "c", "d"])
    expected = torch.stack([CENTRES[i] - CENTRES[j] for i in range(4) for j in range(i + 1, 4)])

    assert found.names == ("feature",)
    assert found.labels["feature"] == ("a - b", "a - c", "a - d", "b - c", "b - d", "c - d")
    assert float(cosines(found, expected).min()) > 0.999


def test_whitened_directions_are_fishers():
    found = class_means(MIXTURE, LABELS, whiten=True, shrinkage=1e-9)

    assert float(cosines(found, (CENTRES - CENTRES[LABELS].mean(0)) / SPREAD**2).min()) > 0.99


def test_whitened_pairs_are_those_of_linear_discriminant_analysis():
    found = class_means(MIXTURE, LABELS, contrast="pairs", whiten=True, shrinkage=1e-9)
    weights = LinearDiscriminantAnalysis(solver="lsqr").fit(MIXTURE.double(), LABELS).coef_
    expected = np.array([weights[i] - weights[j] for i in range(4) for j in range(i + 1, 4)])

    torch.testing.assert_close(cosines(found, expected), torch.ones(6, dtype=torch.float64))


def test_full_shrinkage_is_no_whitening():
    plain, shrunk = class_means(MIXTURE, LABELS), class_means(MIXTURE, LABELS, whiten=True, shrinkage=1.0)

    torch.testing.assert_close(plain.vectors, shrunk.vectors)


def test_classes_without_any_spread_can_be_whitened():
    inputs, labels = torch.eye(3).repeat(4, 1), torch.arange(3).repeat(4)
    found = class_means(inputs, labels, whiten=True)

    torch.testing.assert_close(found.vectors, class_means(inputs, labels).vectors)


def test_patches_count_for_the_class_of_their_image():
    images = torch.rand(30, 2, 5, 5, generator=GENERATOR)
    labels = torch.arange(30) % 3
    found = class_means(images, labels, layout=Patches(2))
    means = Patches(2)(images).mean(1)

    torch.testing.assert_close(found.vectors, class_means(means, labels).vectors, atol=1e-5, rtol=1e-5)


def test_a_class_that_a_half_has_not_seen_agrees_with_nothing():
    labels = LABELS[:400].clamp(max=2).clone()
    labels[0] = 3

    assert 0.7 < class_means(MIXTURE[:400], labels).facts["stability"] < 0.75


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: class_means(MIXTURE, LABELS, contrast="all"),
            'expected `contrast` "rest" or "pairs", got \'all\'',
        ),
        (lambda: class_means(MIXTURE, LABELS, shrinkage=0), "expected `shrinkage` in (0, 1], got 0"),
        (
            lambda: class_means(torch.ones(20, 3) / 3, torch.arange(20) % 2),
            "expected data that determine 2 directions, got 2 left open, the first of them 0; classes of one mean are "
            "no directions",
        ),
    ],
)
def test_what_gives_no_direction_is_refused(make, message):
    with pytest.raises(ValueError, match="expected") as refused:
        make()

    assert str(refused.value) == message
