r"""Training by minibatches and an optimizer of `torch.optim`: many networks side by side, each as it would train alone.

The parameters of all networks are stacked, and the loss is the sum over runs: momentum and Adam work number by number,
so no run feels another. Each run goes through the training set in an order of its own; the learning rate falls linearly
to 0. A jointly trained average of K members is pushed K times as hard, which cancels the 1/K in front of their outputs.

Axes: s = run, n = sample, i = class.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from probes.learners.layered import Students
from probes.learners.streams import stream

__all__ = ["OPTIMIZERS", "Minibatches", "Optimizer", "Progress", "train_students"]

Optimizer = Literal["adamw", "sgd"]
OPTIMIZERS: tuple[Optimizer, ...] = ("adamw", "sgd")

_MOMENTUM = 0.9


@dataclass(frozen=True)
class Minibatches:
    """How students are trained.

    Attributes:
        samples: Training samples N.
        steps: Updates T.
        batch_size: Samples of an update.
        optimizer: "adamw" or "sgd" (with momentum 0.9), as of `torch.optim`.
        learning_rate: Its first value; it falls linearly to 0.
        weight_decay: As the optimizer takes it.

    Raises:
        ValueError: If a value is impossible; the text says which.

    Example:
        >>> Minibatches(samples=500).batch_size
        100
    """

    samples: int = 2000
    steps: int = 800
    batch_size: int = 100
    optimizer: Optimizer = "adamw"
    learning_rate: float = 0.003
    weight_decay: float = 1.0

    def __post_init__(self) -> None:
        for name in ("samples", "steps", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"expected `training.{name}` >= 1, got {getattr(self, name)}")
        if self.batch_size > self.samples:
            raise ValueError(
                f"expected `training.batch_size` <= {self.samples} (`training.samples`), got {self.batch_size}"
            )
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f'expected `training.optimizer` "adamw" or "sgd", got {self.optimizer!r}')
        if self.learning_rate <= 0 or self.weight_decay < 0:
            raise ValueError(
                "expected `training.learning_rate` > 0 and `training.weight_decay` >= 0, got "
                f"{self.learning_rate} and {self.weight_decay}"
            )

    def built(self, parameters: Sequence[Tensor]) -> torch.optim.Optimizer:
        """Return the optimizer of some parameters."""
        rate, decay = self.learning_rate, self.weight_decay
        if self.optimizer == "adamw":
            return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay)
        return torch.optim.SGD(parameters, lr=rate, momentum=_MOMENTUM, weight_decay=decay)

    def batches(self, seed: int) -> Iterator[Tensor]:
        """Yield the samples of every update, ``(batch,)``; what an order does not fill at its end waits for no one."""
        draw = stream("order", seed)
        while True:
            order = torch.randperm(self.samples, generator=draw)
            yield from order[: self.samples - self.samples % self.batch_size].split(self.batch_size)


@dataclass(frozen=True)
class Progress:
    """What training shows at its start and after every update.

    Attributes:
        step: Number of completed updates.
        runs: Which runs are still in training: one whose loss is no longer finite has left.
        students: The networks; they change in place as training goes on.
        scalars: "loss" and "train_error" of the batch that the coming update is for, ``(run,)``.

    Example:
        >>> from probes.learners.layered import Layered, initialise
        >>> Progress(0, (0,), initialise(Layered(), 30, 10, seeds=[(0,)]), {}).students.runs
        1
    """

    step: int
    runs: tuple[int, ...]
    students: Students
    scalars: Mapping[str, Tensor]


def train_students(
    students: Students,
    inputs: Tensor,
    labels: Tensor,
    training: Minibatches,
    *,
    seeds: Sequence[int],
    on_step: Callable[[Progress], object] = lambda progress: None,
) -> tuple[Students, tuple[int, ...]]:
    r"""Train by minibatches of cross-entropy and return the networks, and which runs stayed finite.

    Args:
        students: Networks at their start; left as they are.
        inputs: Training inputs, ``(sample, dim)``.
        labels: Their labels, ``(sample,)``, int64.
        training: How.
        seeds: Of the order in which each run sees the samples.
        on_step: Called at step 0 and after every update.

    Example:
        >>> from probes.learners.layered import Layered, initialise
        >>> inputs, labels = torch.eye(30), torch.arange(30) % 3
        >>> start = initialise(Layered(width=16), 30, 3, seeds=[(0,), (1,)])
        >>> quick = Minibatches(samples=30, steps=60, batch_size=10, learning_rate=0.03, weight_decay=0.0)
        >>> trained, runs = train_students(start, inputs, labels, quick, seeds=[0, 1])
        >>> (trained.outputs(inputs).argmax(-1) == labels).all().item(), runs
        (True, (0, 1))
    """
    own = {name: values.clone().requires_grad_() for name, values in students.parameters.items()}
    moving = Students(students.module, own)
    optimizer = training.built(list(own.values()))
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, training.steps)
    orders = [training.batches(seed) for seed in seeds]
    alive = torch.ones(len(seeds), dtype=torch.bool)

    for step in range(training.steps + 1):
        chosen = torch.stack([next(order) for order in orders])
        losses, wrong = _losses(moving, inputs[chosen], labels[chosen])
        alive &= losses.detach().isfinite()
        seen = _progress(step, alive, moving, {"loss": losses.detach(), "train_error": wrong})
        on_step(seen)
        if not alive.any():
            break
        if step < training.steps:
            optimizer.zero_grad()
            losses.where(alive, 0).sum().mul(moving.members).backward()
            optimizer.step()
            schedule.step()
    return seen.students, seen.runs


def _progress(step: int, alive: Tensor, students: Students, scalars: Mapping[str, Tensor]) -> Progress:
    """Return what is shown of the runs that are alive; of all of them without a copy."""
    runs = tuple(alive.nonzero().flatten().tolist())
    every = alive.all()
    kept = {name: values.detach() if every else values.detach()[alive] for name, values in students.parameters.items()}
    numbers = {name: values if every else values[alive] for name, values in scalars.items()}

    return Progress(step, runs, Students(students.module, kept), numbers)


def _losses(students: Students, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean cross-entropy and share of wrong samples of every run's batch, ``(run,)``."""
    outputs = students.outputs(inputs)
    losses = torch.nn.functional.cross_entropy(outputs.flatten(0, 1), labels.flatten(), reduction="none")

    return losses.unflatten(0, labels.shape).mean(1), (outputs.argmax(-1) != labels).float().mean(1)
