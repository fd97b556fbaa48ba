"""Training of a stack of networks on images: each run's own batches and teacher, one optimizer step for all.

The loss is the sum of the runs' losses, so a run's gradient is its own; the optimizers of `ImageTraining` treat every
weight by itself, so its update is, too.

Axes: s = run, n = sample, c = class.
"""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from probes.learners.images.batches import Batch, Loader, epoch_of, loaded
from probes.learners.images.images import Images
from probes.learners.images.section import ImageTraining
from probes.learners.images.stack import Stack
from probes.learners.images.targets import Hinton

__all__ = ["Progress", "train"]


@dataclass(frozen=True)
class Progress:
    """What a training loop shows before the first update and after every one.

    Attributes:
        step: Number of completed updates; 0 = initialisation.
        stack: The networks as they are now. They change in place: copy what is stored.
        scalars: Of the update just made, on its batch, name to ``(run,)``: loss, train_error; empty at the first step
            shown.
        optimizer: The optimizer, as `torch.optim` has it.

    Example:
        >>> from probes.learners.images.networks import ImageNetwork
        >>> images = Images(torch.rand(6, 1, 8, 8), torch.arange(6) % 2, tuple("abcdef"), 2)
        >>> stack, shown = Stack([ImageNetwork("mlp", widths=(4,)).build((1, 8, 8), 2) for _ in range(3)]), []
        >>> train(stack, images, ImageTraining(epochs=2, batch_size=3), order_seeds=[0, 1, 2], on_step=shown.append)
        >>> [progress.step for progress in shown], shown[-1].scalars["loss"].shape
        ([0, 1, 2, 3, 4], torch.Size([3]))
    """

    step: int
    stack: Stack
    scalars: Mapping[str, Tensor]
    optimizer: torch.optim.Optimizer

    def state(self) -> dict[str, Any]:
        """Return all that `train` needs to resume here, for `torch.save`; it shares memory with the networks."""
        return {"step": self.step, "stack": self.stack.state_dict(), "optimizer": self.optimizer.state_dict()}


OnStep = Callable[[Progress], object]


def train(
    stack: Stack,
    images: Images | Loader | Sequence[Loader],
    training: ImageTraining,
    *,
    order_seeds: Sequence[int] = (),
    targets: Hinton | None = None,
    members: int = 1,
    on_step: OnStep | None = None,
    resume: Mapping[str, Any] | None = None,
) -> None:
    """Train the networks of a stack in place; a run whose loss is no longer finite leaves the others as they are.

    Args:
        stack: The networks, at their start.
        images: The training set; or one ordinary `DataLoader` for all runs, or one for each, whose batches then stand
            in place of ``training``'s batch size and augmentation.
        training: How they are trained.
        order_seeds: Seed of each run's order of batches; with ``members``, of each average's. Loaders have their own.
        targets: Soft targets of the training set. A loader's batches then name their samples.
        members: K: every K runs that stand one after the other are one trained average, whose mean logits are
            trained.
        on_step: Called before the first update and after every one with the `Progress`.
        resume: What `Progress.state` returned at the step to resume at.

    Raises:
        ValueError: If there are not as many seeds, teachers or targets as there are runs or samples, or a loader's
            batches do not name their samples.

    Example:
        >>> from probes.learners.images.networks import ImageNetwork
        >>> images = Images(torch.rand(6, 1, 8, 8), torch.arange(6) % 2, tuple("abcdef"), 2)
        >>> stack = Stack([ImageNetwork("mlp", widths=(32,)).build((1, 8, 8), 2, seed=seed) for seed in range(2)])
        >>> train(stack, images, ImageTraining(epochs=80, batch_size=3), order_seeds=[0, 1])
        >>> stack.outputs(images.inputs).argmax(-1).tolist()
        [[0, 1, 0, 1, 0, 1], [0, 1, 0, 1, 0, 1]]
    """
    if stack.runs % members:
        raise ValueError(f"expected runs in groups of {members} `members`, got {stack.runs} runs")
    _check(stack.runs // members, images, order_seeds, targets)
    optimizer = training.optimizer_of(stack.parameters())
    step = 0 if resume is None else _resumed(resume, stack, optimizer)
    steps = training.epochs * _length(images, training)
    stack.train()
    device = next(stack.parameters()).device
    if on_step is not None:
        on_step(Progress(step, stack, {}, optimizer))

    for batch in _batches(images, training, order_seeds or [0] * (stack.runs // members), first=step):
        for group in optimizer.param_groups:
            group["lr"] = training.rate(step, steps)
        scalars = _update(stack, batch.to(device), training, optimizer, _Goal(targets, members))
        step += 1
        if on_step is not None:
            on_step(Progress(step, stack, scalars, optimizer))


@dataclass(frozen=True)
class _Goal:
    targets: Hinton | None
    members: int


def _update(
    stack: Stack, batch: Batch, training: ImageTraining, optimizer: torch.optim.Optimizer, goal: _Goal
) -> dict[str, Tensor]:
    """Make one update, and return what the batch showed, by name, ``(run,)``."""
    inputs = batch.inputs if goal.members == 1 else batch.inputs.repeat_interleave(goal.members, 0)
    with torch.autocast(inputs.device.type, torch.bfloat16, enabled=training.amp):
        members = stack(inputs)
    logits = (members.float() if training.amp else members).unflatten(0, (-1, goal.members)).mean(1)
    flat = logits.flatten(0, 1), batch.labels.flatten()
    losses = cross_entropy(*flat, reduction="none", label_smoothing=training.label_smoothing).view(batch.labels.shape)
    if goal.targets is not None:
        if batch.rows is None:
            raise ValueError(
                "expected batches (inputs, labels, rows) of a loader where there are `targets`, got (inputs, labels)"
            )
        mixing = goal.targets.mixing
        losses = (1 - mixing) * losses + mixing * goal.targets.divergence(logits, batch.rows)
    loss = losses.mean(1)
    optimizer.zero_grad()
    loss.sum().backward()
    optimizer.step()

    return {"loss": loss.detach(), "train_error": (logits.argmax(-1) != batch.labels).float().mean(1)}


def _batches(
    images: Images | Loader | Sequence[Loader], training: ImageTraining, seeds: Sequence[int], *, first: int
) -> Iterator[Batch]:
    """Yield all batches of training, from that of the update after ``first`` on."""
    length = _length(images, training)
    for epoch in range(first // length, training.epochs):
        skipped = max(0, first - epoch * length)
        batches = (
            epoch_of(images, seeds, epoch, size=training.batch_size, augment=training.augment)
            if isinstance(images, Images)
            else loaded(images, len(seeds))
        )
        for number, batch in enumerate(batches):
            if number >= skipped:
                yield batch


def _length(images: Images | Loader | Sequence[Loader], training: ImageTraining) -> int:
    """Return the number of updates of one epoch."""
    if isinstance(images, Images):
        return -(-len(images) // training.batch_size)
    first: Any = images[0] if isinstance(images, list | tuple) else images

    return len(first)


def _resumed(state: Mapping[str, Any], stack: Stack, optimizer: torch.optim.Optimizer) -> int:
    stack.load_state_dict(state["stack"])
    optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))

    return int(state["step"])


def _check(runs: int, images: Images | Loader | Sequence[Loader], seeds: Sequence[int], targets: Hinton | None) -> None:
    if isinstance(images, Images) and len(seeds) != runs:
        raise ValueError(f"expected one of `order_seeds` for each of {runs} runs, got {len(seeds)}")
    if targets is None:
        return
    if targets.logits.ndim == 3 and len(targets.logits) != runs:
        raise ValueError(f"expected one teacher for all runs, or one for each of {runs}, got {len(targets.logits)}")
    if isinstance(images, Images) and targets.logits.shape[-2] != len(images):
        raise ValueError(f"expected `targets` of {len(images)} samples, got {targets.logits.shape[-2]}")
