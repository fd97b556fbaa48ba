"""The section of a recipe that says how networks for images are trained, and the learning rate it means at a step."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from probes.learners.images.batches import AUGMENTATIONS

__all__ = ["ImageTraining"]

STEP_AT, STEP_BY = (0.5, 0.75), 0.1  # of "step": where in training, and the factor each time


@dataclass(frozen=True)
class ImageTraining:
    """How networks for images are trained.

    Attributes:
        optimizer: "adamw" (Adam, where there is no weight decay) or "sgd".
        learning_rate: Of the optimizer, at its highest.
        weight_decay: Of the optimizer.
        momentum: Of "sgd".
        nesterov: Of "sgd" with momentum.
        schedule: "cosine" down to 0; "step", a tenth after half and after three quarters of training; or "constant".
        warmup_steps: Steps over which the rate first rises linearly.
        batch_size: Samples of an update.
        epochs: Passes over the training set.
        label_smoothing: Share of a label that is spread evenly over the classes.
        augment: "none", "crop" or "crop+flip".
        amp: Whether networks compute in bfloat16 under autocast; weights stay in float32.

    Raises:
        ValueError: If a value is impossible; the text says which.

    Example:
        >>> training = ImageTraining(epochs=80, batch_size=50)
        >>> training.steps(1500), [round(training.rate(step, 2400), 5) for step in (0, 49, 1200, 2399)]
        (2400, [6e-05, 0.003, 0.00155, 0.0])
    """

    optimizer: Literal["adamw", "sgd"] = "adamw"
    learning_rate: float = 3e-3
    weight_decay: float = 0.0
    momentum: float = 0.9
    nesterov: bool = False
    schedule: Literal["cosine", "step", "constant"] = "cosine"
    warmup_steps: int = 50
    batch_size: int = 50
    epochs: int = 80
    label_smoothing: float = 0.0
    augment: Literal["none", "crop", "crop+flip"] = "none"
    amp: bool = False

    def __post_init__(self) -> None:
        rules = [
            (self.optimizer in {"adamw", "sgd"}, f'expected `optimizer` "adamw" or "sgd", got {self.optimizer!r}'),
            (self.learning_rate > 0, f"expected `learning_rate` > 0, got {self.learning_rate}"),
            (self.weight_decay >= 0, f"expected `weight_decay` >= 0, got {self.weight_decay}"),
            (0 <= self.momentum < 1, f"expected `momentum` in [0, 1), got {self.momentum}"),
            (
                self.schedule in {"cosine", "step", "constant"},
                f'expected `schedule` "cosine", "step" or "constant", got {self.schedule!r}',
            ),
            (self.warmup_steps >= 0, f"expected `warmup_steps` >= 0, got {self.warmup_steps}"),
            (
                min(self.batch_size, self.epochs) >= 1,
                f"expected `batch_size` and `epochs` >= 1, got {self.batch_size} and {self.epochs}",
            ),
            (0 <= self.label_smoothing < 1, f"expected `label_smoothing` in [0, 1), got {self.label_smoothing}"),
            (self.augment in AUGMENTATIONS, f"expected `augment` one of {AUGMENTATIONS}, got {self.augment!r}"),
        ]
        for holds, reason in rules:
            if not holds:
                raise ValueError(reason)

    def steps(self, samples: int) -> int:
        """Return the number of updates on so many samples."""
        return self.epochs * -(-samples // self.batch_size)

    def rate(self, step: int, steps: int) -> float:
        """Return the learning rate of the update that follows ``step`` of ``steps``."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        if self.schedule == "constant":
            return self.learning_rate
        if self.schedule == "step":
            return self.learning_rate * STEP_BY ** sum(step >= share * steps for share in STEP_AT)
        done = (step - self.warmup_steps) / max(1, steps - self.warmup_steps)

        return self.learning_rate * (1 + math.cos(math.pi * done)) / 2

    def optimizer_of(self, parameters: Iterable[Tensor]) -> torch.optim.Optimizer:
        """Return the optimizer of `torch.optim` that updates these parameters.

        Example:
            >>> type(ImageTraining().optimizer_of([torch.zeros(2, requires_grad=True)])).__name__
            'AdamW'
        """
        if self.optimizer == "adamw":
            return torch.optim.AdamW(parameters, lr=self.learning_rate, weight_decay=self.weight_decay, fused=True)

        return torch.optim.SGD(
            parameters,
            lr=self.learning_rate,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            nesterov=self.nesterov and self.momentum > 0,
            fused=True,
        )
