import numpy as np
import pytest
import torch

from probes.estimators import reading as module
from probes.estimators.moments import Moments, moments_of_halves
from probes.estimators.reading import Reading, Rows

GENERATOR = torch.Generator().manual_seed(0)
INPUTS = torch.randn(300, 5, generator=GENERATOR) * torch.tensor([1.0, 2, 3, 4, 5])
LABELS = torch.randint(4, (300,), generator=GENERATOR)


def looped(inputs, labels):
    """Mean of each class and within-class scatter, sample by sample, from numpy."""
    x, y = inputs.double().numpy(), labels.numpy()
    mean = np.stack([x[y == c].mean(0) for c in range(4)])
    return mean, sum(np.outer(row - mean[c], row - mean[c]) for row, c in zip(x, y, strict=True))


def rows(inputs=INPUTS, labels=LABELS):
    return Rows(inputs.double(), labels, torch.zeros_like(labels))


def test_moments_are_means_and_scatter():
    moments = Moments.of(rows(), scatter=True)
    mean, scatter = looped(INPUTS, LABELS)

    np.testing.assert_allclose(moments.mean, mean, rtol=1e-12)
    np.testing.assert_allclose(moments.scatter, scatter, rtol=1e-10)
    np.testing.assert_allclose(moments.grand_mean, INPUTS.double().mean(0), rtol=1e-10)
    assert moments.count.tolist() == list(np.bincount(LABELS))


def test_sums_of_moments_are_those_of_all_rows():
    order = LABELS.argsort()  # so that neither part has all classes
    parts = [rows(INPUTS[which], LABELS[which]) for which in (order[:100], order[100:])]
    first, second = (Moments.of(part, scatter=True) for part in parts)

    for whole in (first + second, second + first):
        np.testing.assert_allclose(whole.scatter, looped(INPUTS, LABELS)[1], rtol=1e-10)
        np.testing.assert_allclose(whole.mean, looped(INPUTS, LABELS)[0], rtol=1e-10)


@pytest.mark.parametrize("labelled", [True, False])
def test_a_stream_has_the_moments_of_the_whole(labelled, monkeypatch):
    monkeypatch.setattr(module, "_VALUES_AT_ONCE", 1)
    labels = LABELS if labelled else torch.zeros_like(LABELS)
    batches = ((INPUTS[n : n + 23], LABELS[n : n + 23]) for n in range(0, 300, 23))
    first, second = moments_of_halves(Reading(batches, labelled=labelled), scatter=True)
    expected = Moments.of(rows(labels=labels), scatter=True)

    for name in ("count", "mean", "scatter"):
        torch.testing.assert_close(getattr(first + second, name), getattr(expected, name))


def test_halves_are_those_of_the_reading():
    reading = Reading(INPUTS, LABELS, labelled=True, seed=5)
    halves = moments_of_halves(reading, scatter=False)
    of_which = torch.cat([part.half for part in Reading(INPUTS, LABELS, labelled=True, seed=5)])

    for half, moments in enumerate(halves):
        mean, _ = looped(INPUTS[of_which == half], LABELS[of_which == half])
        np.testing.assert_allclose(moments.mean, mean, rtol=1e-10)


def test_far_from_zero_no_digit_of_the_scatter_is_lost():
    inputs = INPUTS.double()
    batches = [inputs[n : n + 50] + 1e8 for n in range(0, 300, 50)]
    first, second = moments_of_halves(Reading(batches), scatter=True)
    expected = (inputs - inputs.mean(0)).T @ (inputs - inputs.mean(0))

    torch.testing.assert_close((first + second).scatter, expected, rtol=1e-6, atol=1e-3)


def test_without_scatter_there_is_no_covariance():
    with pytest.raises(ValueError, match=r"^expected moments with scatter, got moments without$"):
        _ = Moments.of(rows(), scatter=False).covariance
