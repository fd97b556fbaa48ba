import numpy as np
import pytest
import torch
from torch import nn

from probes import ProbeBatch
from probes.quantities import linear_probe
from tests.probes.quantities.small import INPUTS, LABELS, classifier, close, evaluated, state

pytestmark = pytest.mark.usefixtures("own_random_numbers")


def by_hand(features, labels, penalty):
    """The normal equations with an unpenalised constant, and a split made by counting."""
    counts, trains = {}, []
    for label in labels:
        trains.append(counts.get(label, 0) % 2 == 0)
        counts[label] = counts.get(label, 0) + 1
    trains, labels = np.array(trains), np.array(labels)
    X = np.column_stack([features[trains], np.ones(trains.sum())])
    penalties = penalty * features[trains].var(axis=0).mean() * trains.sum() * np.eye(X.shape[1])
    penalties[-1, -1] = 0
    W = np.linalg.solve(X.T @ X + penalties, X.T @ np.eye(max(labels) + 1)[labels[trains]])
    answers = (np.column_stack([features[~trains], np.ones((~trains).sum())]) @ W).argmax(1)
    return np.mean(answers == labels[~trains])


@pytest.mark.parametrize("penalty", [1e-6, 1e-3, 10.0])
@pytest.mark.parametrize("dims", [3, 80])
def test_the_accuracy_is_that_of_the_normal_equations(penalty, dims):
    labels = torch.randint(0, 4, (60,))
    features = torch.randn(60, dims).double() + torch.randn(4, dims)[labels]
    found = linear_probe("0", ProbeBatch(features, labels), penalty=penalty)(state(nn.Sequential(nn.Identity())))

    close(found, by_hand(features.numpy(), labels.tolist(), penalty))
    assert 0.3 < found <= 1


def test_features_are_those_of_evaluation_mode():
    model, labels = classifier(), torch.arange(60) % 3
    inputs = torch.randn(60, 5).double() + torch.eye(3, 5)[labels]
    features = evaluated(model)[:4](inputs).detach().numpy()

    close(linear_probe("3", ProbeBatch(inputs, labels))(state(model)), by_hand(features, labels.tolist(), 1e-3))


def test_features_of_which_one_names_the_class_are_read_without_error():
    labels = torch.randint(0, 5, (100,))
    features = torch.cat([nn.functional.one_hot(labels), torch.zeros(100, 2)], dim=1).float()

    assert linear_probe("", ProbeBatch(features, labels))(state(nn.Identity())) == 1


def test_features_that_are_all_the_same_leave_the_most_frequent_class():
    labels = torch.tensor([0] * 4 + [1] * 12)

    assert linear_probe("", ProbeBatch(torch.ones(16, 3), labels))(state(nn.Identity())) == 6 / 8


def test_features_that_know_nothing_are_at_chance():
    labels = torch.randint(0, 2, (4000,))
    found = float(linear_probe("", ProbeBatch(torch.randn(4000, 3), labels))(state(nn.Identity())))

    assert found == pytest.approx(0.5, abs=0.05)


def test_one_sample_of_a_class_cannot_be_split():
    with pytest.raises(
        ValueError, match=r"^expected at least 2 samples of each class in batch `probe`, got 1 of class 0"
    ):
        linear_probe("3", ProbeBatch(INPUTS[:2], LABELS[:2]))


def test_a_penalty_above_0_is_needed():
    with pytest.raises(ValueError, match=r"^expected `penalty`") as refused:
        linear_probe("3", ProbeBatch(INPUTS, LABELS), penalty=0)

    assert str(refused.value) == "expected `penalty` above 0, got 0"
