"""What the benchmark of networks for images sets beside each other is what it says."""

import torch

from probes.learners.images.digit_scenes import DigitScenes
from probes.learners.images.networks import ImageNetwork
from probes.learners.images.section import ImageTraining
from probes.learners.images.stack import Stack
from probes.learners.images.training import train
from scripts.benchmarks import images

SMALL = ImageNetwork(widths=(4, 4))


def test_a_stack_is_measured_against_its_runs_and_its_floor(monkeypatch):
    monkeypatch.setattr(images, "STEPS", 1)
    rows = images.measure(SMALL, runs=2)

    assert len({row["name"] for row in rows}) == len(rows) == 2
    assert [row["name"] for row in rows if not row["ratio"] > 0] == []


def test_one_after_the_other_makes_the_networks_that_the_stack_makes():
    scenes, training = DigitScenes(train=40).sample("train", seed=0), ImageTraining(epochs=1, batch_size=20)
    modules = [SMALL.build(scenes.shape, 10, seed=run) for run in range(2)]
    stack = Stack(modules)
    train(stack, scenes, training, order_seeds=[0, 1])
    images.one_after_the_other(modules, scenes, training)

    for run, module in enumerate(modules):
        for name, weights in module.named_parameters():
            torch.testing.assert_close(stack.weights[name][run], weights, rtol=1e-4, atol=1e-5)


def test_multiply_adds_are_those_of_the_layers():
    network = ImageNetwork(widths=(4,)).build((1, 8, 8), 3)
    convolution, head = 4 * 4 * 4 * 25, 4 * 3

    # forward, and backward by the weights; by the inputs in the head alone
    assert images.multiply_adds(network, torch.zeros(5, 1, 8, 8)) == 5 * (2 * convolution + 3 * head)
