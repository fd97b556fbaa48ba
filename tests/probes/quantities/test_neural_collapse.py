import math

import numpy as np
import pytest
import torch
from torch import nn

from probes import ProbeBatch
from probes.errors import UsageError
from probes.quantities import neural_collapse
from tests.probes.quantities.small import BATCH, CLASSES, INPUTS, LABELS, classifier, close, evaluated, state

pytestmark = pytest.mark.usefixtures("own_random_numbers")


def simplex(classes, dim, scale=2.0):
    """Corners of a simplex: unit vectors less their mean, turned at random."""
    turn, _ = torch.linalg.qr(torch.randn(dim, classes))
    corners = torch.eye(classes) - 1 / classes
    return scale * corners / corners.norm(dim=1, keepdim=True) @ turn.T


def measures(features, weights, bias=None, labels=LABELS):
    model = nn.Sequential(nn.Flatten(), nn.Linear(features.shape[1], len(weights)))
    model[1].weight.data.copy_(weights)
    model[1].bias.data.copy_(torch.zeros(len(weights)) if bias is None else bias)
    quantity = neural_collapse("1", ProbeBatch(features, labels))
    return dict(zip(quantity.labels["measure"], quantity(state(model)).tolist(), strict=True))


def by_hand(features, weights, answers, labels):
    """Loops over samples and classes, and full covariances."""
    classes, features = range(len(weights)), features.numpy()
    means = [np.mean([h for h, y in zip(features, labels, strict=True) if y == c], axis=0) for c in classes]
    centre = np.mean(means, axis=0)
    within = np.mean([np.outer(h - means[y], h - means[y]) for h, y in zip(features, labels, strict=True)], axis=0)
    between = np.mean([np.outer(m - centre, m - centre) for m in means], axis=0)
    inverse = np.linalg.pinv(between, rcond=1e-10)
    found = [np.trace(within @ inverse) / len(means)]
    vectors = [[m - centre for m in means], list(weights.numpy())]
    for each in vectors:
        norms = [math.hypot(*v) for v in each]
        found.append(np.std(norms, ddof=1) / np.mean(norms))
    for each in vectors:
        pairs = [(v, w) for i, v in enumerate(each) for j, w in enumerate(each) if i != j]
        cosines = [v @ w / math.hypot(*v) / math.hypot(*w) for v, w in pairs]
        found.append(np.mean([abs(cosine + 1 / (len(means) - 1)) for cosine in cosines]))
    M, W = map(np.stack, vectors)
    found.append(np.sum((W / np.linalg.norm(W) - M / np.linalg.norm(M)) ** 2))
    nearest = [min(classes, key=lambda c: math.dist(h, means[c])) for h in features]
    return [*found, np.mean([a != b for a, b in zip(answers.tolist(), nearest, strict=True)])]


def test_the_measures_are_those_of_loops_in_evaluation_mode():
    model = classifier()
    copy = evaluated(model)
    with torch.no_grad():
        features, answers = copy[:4](INPUTS), copy(INPUTS).argmax(1)
    found = neural_collapse("4", BATCH)(state(model))

    close(found, by_hand(features, model[4].weight.detach(), answers, LABELS.tolist()))
    assert model.training


def test_fewer_dims_than_classes_are_measured_by_the_pseudo_inverse():
    labels = torch.arange(24) % 6
    features, weights = torch.randn(24, 3).double(), torch.randn(6, 3).double()
    model = nn.Sequential(nn.Flatten(), nn.Linear(3, 6, bias=False).double())
    model[1].weight.data.copy_(weights)
    found = neural_collapse("1", ProbeBatch(features, labels))(state(model))

    close(found, by_hand(features, weights, (features @ weights.T).argmax(1), labels.tolist()))


@pytest.mark.parametrize("classes", [2, 4, 10])
def test_a_collapsed_classifier_has_zeros_alone(classes):
    corners = simplex(classes, 12)
    labels, centre = torch.arange(classes).repeat(3), 5 * torch.ones(12)
    found = measures(corners.repeat(3, 1) + centre, 0.3 * corners, -0.3 * corners @ centre, labels)

    assert found == pytest.approx(dict.fromkeys(found, 0.0), abs=1e-6)


def test_each_measure_shows_what_is_not_collapsed():
    corners, labels = simplex(3, 12), torch.arange(3).repeat(4)
    features = corners.repeat(4, 1)
    noise = torch.tensor([1.0, 1.0, 1.0, -1.0, -1.0, -1.0]).repeat(2)[:, None] * torch.randn(12)

    assert measures(features + noise, corners, labels=labels)["nc1"] > 0.01
    longer = measures(features, corners * torch.tensor([[1.0], [2.0], [1.0]]), labels=labels)
    assert longer["nc2_norms_of_weights"] == pytest.approx(math.sqrt(1 / 3) / (4 / 3), rel=1e-5)
    assert measures(features, torch.eye(3, 12), labels=labels)["nc2_angles_of_weights"] == pytest.approx(0.5)
    assert measures(features, -corners, labels=labels)["nc3"] == pytest.approx(4)
    assert measures(features, -corners, labels=labels)["nc4"] == 1


def test_variability_within_classes_is_known_where_means_are_orthogonal():
    means, away = 3 * torch.eye(2, 4), torch.tensor([[1.0, -1.0, 0, 0]])  # the one direction in which the means differ
    features = torch.cat([means + 0.5 * away, means - 0.5 * away])

    # m = ±(1.5, -1.5): Σ_B = m m', tr(Σ_W Σ_B^+) = |0.5 away|² / |m|² = 0.5 / 4.5
    assert measures(features, means, labels=torch.tensor([0, 1, 0, 1]))["nc1"] == pytest.approx(0.5 / 4.5 / 2)


def test_means_that_are_all_the_same_give_nan_where_nothing_is_defined():
    found = measures(torch.zeros(12, 5), torch.randn(3, 5))

    assert [name for name, value in found.items() if math.isnan(value)] == [
        "nc1",
        "nc2_norms_of_means",
        "nc2_angles_of_means",
        "nc3",
    ]


def test_labels_that_are_missing_or_no_classes_are_refused():
    advice = "give `ProbeBatch` the class of each sample"
    for labels, got in ((None, "none"), (torch.rand(12), "torch.float32 of shape (12,)")):
        with pytest.raises(ValueError, match=r"^expected classes") as refused:
            neural_collapse("4", ProbeBatch(INPUTS, labels))
        assert str(refused.value) == (
            f"expected classes, whole numbers `(sample,)`, as `labels` of batch `probe`, got {got}; {advice}"
        )


def test_a_class_with_one_sample_is_refused():
    with pytest.raises(ValueError, match=r"^expected at least 2") as refused:
        neural_collapse("4", ProbeBatch(INPUTS, torch.tensor([0] * 5 + [1] * 6 + [2])))

    assert str(refused.value) == (
        "expected at least 2 samples of each class in batch `probe`, got 1 of class 2; choose a batch with more"
    )


def test_a_class_of_the_model_without_samples_is_refused():
    with pytest.raises(UsageError) as refused:
        neural_collapse("4", ProbeBatch(INPUTS, LABELS % 2))(state(classifier()))

    assert str(refused.value) == (
        "expected samples of each of the 3 classes of `4`, two or more, got labels of 2; choose a batch with all of "
        "them"
    )


def test_a_layer_that_is_no_readout_of_vectors_is_refused():
    model = nn.Sequential(nn.Conv1d(1, CLASSES, 5), nn.Flatten())
    with pytest.raises(UsageError) as refused:
        neural_collapse("0", ProbeBatch(INPUTS.float()[:, None], LABELS))(state(model))

    assert str(refused.value) == (
        "expected a Linear layer with inputs (sample, dim) as `layer`, got `0` with inputs of shape (12, 1, 5) and "
        "weights of shape (3, 1, 5)"
    )
