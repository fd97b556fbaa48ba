"""Training speed of networks for images: a stack against its runs one after the other, and against its floor.

The floor of a step is the multiply-adds of all its convolutions and layers, forward and backward, made in matrix
products of 512 x 512. One after the other is the loop that one would write for one network, run by run.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from probes.learners.images.batches import epoch_of
from probes.learners.images.digit_scenes import DigitScenes
from probes.learners.images.images import Images
from probes.learners.images.networks import ImageNetwork
from probes.learners.images.section import ImageTraining
from probes.learners.images.stack import Stack
from probes.learners.images.training import train
from scripts.benchmarks.turns import interleaved

RUNS, STEPS, SIDE = 10, 10, 512


def measure(network: ImageNetwork = ImageNetwork(), *, runs: int = RUNS) -> list[dict[str, object]]:  # noqa: B008 - frozen
    """Return the ratios, medians over rounds in which the contestants take turns."""
    training = ImageTraining(epochs=1)
    images = DigitScenes(train=training.batch_size * STEPS).sample("train", seed=0)
    modules = [network.build(images.shape, images.classes, seed=run) for run in range(runs)]
    stack, seeds = Stack(modules), list(range(runs))
    additions = runs * STEPS * multiply_adds(modules[0], images.inputs[: training.batch_size])
    left, right = torch.rand(2, SIDE, SIDE)
    out = torch.empty(SIDE, SIDE)

    def products() -> None:
        for _ in range(round(additions / SIDE**3)):
            torch.mm(left, right, out=out)

    together, alone, floor = interleaved([
        lambda: train(stack, images, training, order_seeds=seeds),
        lambda: one_after_the_other(modules, images, training),
        products,
    ])
    note = f"{network.kind}, {additions / runs / STEPS / 1e6:.0f} million multiply-adds a network and step, "
    note += f"{1e3 * together / runs / STEPS:.1f} ms, threads: {torch.get_num_threads()}"

    return [
        _row(f"{runs} networks for images as a stack over one after the other (speed)", alone / together, ">= 1", note),
        _row("step of a stack of networks for images over its multiply-adds (time)", together / floor, "<= 4", note),
    ]


def one_after_the_other(modules: list[nn.Module], images: Images, training: ImageTraining) -> None:
    """Train each network by the loop that one would write for it, in the order that its run in a stack has."""
    for run, module in enumerate(modules):
        optimizer = training.optimizer_of(module.parameters())
        steps = training.steps(len(images))
        for step, batch in enumerate(epoch_of(images, [run], 0, size=training.batch_size)):
            optimizer.param_groups[0]["lr"] = training.rate(step, steps)
            optimizer.zero_grad()
            cross_entropy(module(batch.inputs[0]), batch.labels[0]).backward()
            optimizer.step()


def multiply_adds(module: nn.Module, inputs: Tensor) -> int:
    """Return the multiply-adds of a step of one network, forward and backward."""
    with FlopCounterMode(display=False) as counter:
        module(inputs).sum().backward()
    module.zero_grad()

    return int(counter.get_total_flops()) // 2


def _row(name: str, ratio: float, target: str, note: str) -> dict[str, object]:
    return {"name": name, "ratio": ratio, "target": target, "note": note}
