import pytest
import torch
from torch import nn

from probes.learners.images.linearised import Linearised, gradient_features, linearised
from probes.learners.images.networks import ImageNetwork
from probes.learners.images.stack import Stack

CLASSES = 3
DRAWS = torch.Generator().manual_seed(0)
INPUTS, OTHERS = (torch.rand(count, 1, 8, 8, generator=DRAWS, dtype=torch.float64) for count in (7, 4))
TARGETS = torch.rand(7, CLASSES, generator=DRAWS, dtype=torch.float64)
NETWORKS = [ImageNetwork(widths=(3, 4)).build((1, 8, 8), CLASSES, seed=seed).double() for seed in range(2)]


def gradients(network, inputs):
    """All gradients by autograd, one sample and class after the other, ``(sample, class, weight)``."""
    rows = []
    for image in inputs:
        logits = network(image[None])[0]
        each = [torch.autograd.grad(logit, list(network.parameters()), retain_graph=True) for logit in logits]
        rows.append(torch.stack([torch.cat([part.flatten() for part in gradient]) for gradient in each]))
    return torch.stack(rows)


def test_features_are_the_gradients_along_each_direction():
    features = gradient_features(NETWORKS[0], INPUTS, torch.tensor([[1.0, -2.0, 0.0], [0.0, 0.0, 1.0]]).double())
    expected = gradients(NETWORKS[0], INPUTS)

    torch.testing.assert_close(features, torch.cat([expected[:, 0] - 2 * expected[:, 1], expected[:, 2]], 1))


def test_the_kernel_is_the_mean_over_classes():
    kernels = linearised(Stack(NETWORKS), INPUTS, OTHERS, directions=0)
    for run, network in enumerate(NETWORKS):
        known, others = gradients(network, INPUTS), gradients(network, OTHERS)
        for kernel, left in ((kernels.gram, known), (kernels.cross, others)):
            mean = sum(left[:, class_] @ known[:, class_].T for class_ in range(CLASSES)) / CLASSES
            torch.testing.assert_close(kernel[run], mean)


def test_random_directions_estimate_that_mean():
    exact, many = (linearised(Stack(NETWORKS[:1]), INPUTS, OTHERS, directions=count) for count in (0, 2000))

    assert float((exact.gram - many.gram).norm() / exact.gram.norm()) < 0.03


def test_outputs_are_those_of_ridge_regression_on_the_features():
    kernels = linearised(Stack(NETWORKS), INPUTS, OTHERS, ridge=0.1)
    known, others = kernels.fitted(TARGETS)
    for run, gram in enumerate(kernels.gram):
        values, vectors = torch.linalg.eigh(gram)
        features = vectors * values.clamp_min(0).sqrt()  # a basis in which the kernel is an inner product
        penalty = 0.1 * gram.diagonal().mean()
        weights = torch.linalg.solve(features.T @ features + penalty * torch.eye(7), features.T @ TARGETS)
        torch.testing.assert_close(known[run], features @ weights)
        left = kernels.cross[run] @ torch.linalg.pinv(features).T
        torch.testing.assert_close(others[run], left @ weights)


def test_a_linear_network_is_ridge_regression_on_its_inputs():
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, CLASSES)).double()
    kernels = linearised(Stack([network]), INPUTS, OTHERS, ridge=0.2, directions=0)
    flat, others = (torch.cat([part.flatten(1), torch.ones(len(part), 1)], 1) for part in (INPUTS, OTHERS))
    penalty = 0.2 * float(flat.square().sum(1).mean()) * torch.eye(65)
    weights = torch.linalg.solve(flat.T @ flat + penalty, flat.T @ TARGETS)

    torch.testing.assert_close(kernels.fitted(TARGETS)[1][0], others @ weights)


def test_the_trained_average_has_the_mean_kernel():
    kernels = linearised(Stack(NETWORKS), INPUTS, OTHERS)
    together = torch.cat(list(_features(kernels)), 1) / 2**0.5

    torch.testing.assert_close(kernels.averaged().gram[0], together @ together.T)
    assert kernels.averaged().fitted(TARGETS)[1].shape == (1, 4, CLASSES)


def _features(kernels):
    for gram in kernels.gram:
        values, vectors = torch.linalg.eigh(gram)
        yield vectors * values.clamp_min(0).sqrt()


def test_each_run_can_have_targets_of_its_own():
    kernels = linearised(Stack(NETWORKS), INPUTS, OTHERS)
    own = kernels.fitted(torch.stack([TARGETS, -TARGETS]))[1]

    torch.testing.assert_close(own[0], kernels.fitted(TARGETS)[1][0])
    torch.testing.assert_close(own[1], -kernels.fitted(TARGETS)[1][1])


def test_a_ridge_of_nothing_is_refused():
    with pytest.raises(ValueError, match=r"^expected `ridge` > 0, got 0.0$"):
        Linearised(torch.eye(2)[None], torch.ones(1, 3, 2), ridge=0.0)
