r"""What pulls on the outputs: cross-entropy (3.1), distillation (4.3), and the truncated scaled logit (4.2).

An objective turns outputs into the *pull*, :math:`-N \partial L / \partial F_i(X_n)` per sample; the training step does
the rest. Axes: s = run, n = sample, i = class.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

__all__ = ["CrossEntropy", "Distillation", "Objective", "Update", "truncated_scaled_logit"]

Update = Literal["stopped", "literal"]


class Objective(Protocol):
    """What the training step needs of an objective."""

    def pull(self, outputs: Tensor, labels: Tensor, rows: slice) -> Tensor:
        """Return the pull on the outputs of the samples ``rows``, ``(sample, run, class)``."""

    def taught(self, outputs: Tensor, rows: slice) -> Tensor | None:
        """Return the part of the pull that comes from a teacher, ``(sample, run, class)``; None without one."""

    def scalars(self, outputs: Tensor, labels: Tensor) -> Mapping[str, Tensor]:
        """Return what a step reports of all outputs ``(sample, run, class)``: name to ``(run,)``."""

    def select(self, runs: Tensor) -> "Objective":
        """Return the objective of these runs only."""

    def at(self, samples: Tensor) -> "Objective":
        """Return the objective of these samples only, numbered from 0 on."""


def truncated_scaled_logit(outputs: Tensor, temperature: float) -> Tensor:
    r"""Return :math:`\mathrm{logit}^\tau_i(F) = \mathrm{softmax}_i(\min\{\tau^2 F, 1\}/\tau)`, equation (4.2).

    Args:
        outputs: F, ``(..., class)``.
        temperature: :math:`\tau` in (0, 1].

    Example:
        >>> truncated_scaled_logit(torch.tensor([100.0, 4.0, 0.0]), 0.5)
        tensor([0.4683, 0.4683, 0.0634])
    """
    return ((temperature**2 * outputs).clamp(max=1) / temperature).softmax(-1)


@dataclass(frozen=True)
class CrossEntropy:
    r"""Cross-entropy, equation (3.1): the pull is :math:`1_{i=y} - \mathrm{logit}_i(F, X)`.

    Example:
        >>> CrossEntropy().pull(torch.zeros(1, 1, 2), torch.tensor([0]), slice(None))
        tensor([[[ 0.5000, -0.5000]]])
    """

    def pull(self, outputs: Tensor, labels: Tensor, rows: slice) -> Tensor:
        """Return the pull, ``(sample, run, class)``."""
        pull, own = outputs.softmax(-1).neg_(), labels.view(-1, 1, 1).expand(-1, outputs.shape[1], 1)

        return pull.scatter_add_(-1, own, pull.new_ones(()).expand_as(own))

    def taught(self, outputs: Tensor, rows: slice) -> Tensor | None:
        """Return None: labels alone pull."""
        return None

    def scalars(self, outputs: Tensor, labels: Tensor) -> Mapping[str, Tensor]:
        """Return ``loss`` and ``train_error``, each ``(run,)``; a tie with another class is an error."""
        own = outputs.gather(-1, labels.view(-1, 1, 1).expand(-1, outputs.shape[1], 1)).squeeze(-1)
        rivals = outputs.masked_fill(_one_hot(outputs, labels).bool(), -torch.inf).amax(-1)

        return {"loss": (outputs.logsumexp(-1) - own).mean(0), "train_error": (rivals >= own).to(own.dtype).mean(0)}

    def select(self, runs: Tensor) -> "CrossEntropy":
        """Return itself: nothing in it belongs to a run."""
        return self

    def at(self, samples: Tensor) -> "CrossEntropy":
        """Return itself: nothing in it belongs to a sample."""
        return self


@dataclass(frozen=True)
class Distillation:
    r"""Cross-entropy plus the distillation of a teacher G, equation (4.3).

    .. math::
        1_{i=y} - \mathrm{logit}_i(F) - \frac{\eta'}{\eta}\,[\mathrm{logit}^\tau_i(F) - \mathrm{logit}^\tau_i(G)]^-

    with the negative part :math:`[a]^- = \min\{0, a\}`. In the "literal" update the gradient ignores the truncation
    in (4.2), as the paper writes it; in the "stopped" one it stops at the cap, a factor :math:`1[\tau^2 F_i < 1]`,
    which keeps outputs bounded where the student has a class at the cap that the teacher has not.

    Args:
        teacher: Teacher outputs G on the training set, ``(sample, run, class)``; a run axis of 1 serves all runs.
        temperature: :math:`\tau`.
        rate_ratio: :math:`\eta'/\eta`.
        update: "stopped" or "literal".

    Raises:
        ValueError: If temperature, rate ratio or update is impossible.

    Example:
        >>> teacher = torch.tensor([[[8.0, 2.0]]])
        >>> Distillation(teacher, 0.5, 10.0).pull(torch.tensor([[[8.0, 0.0]]]), torch.tensor([0]), slice(None))
        tensor([[[3.3534e-04, 1.4970e+00]]])
    """

    teacher: Tensor
    temperature: float
    rate_ratio: float
    update: Update = "stopped"

    def __post_init__(self) -> None:
        self.check(self.temperature, self.rate_ratio, self.update)

    @staticmethod
    def check(temperature: float, rate_ratio: float, update: str) -> None:
        """Refuse impossible settings before there is a teacher.

        Raises:
            ValueError: If temperature, rate ratio or update is impossible.
        """
        if not 0 < temperature <= 1:
            raise ValueError(f"expected `temperature` (tau) in (0, 1], got {temperature}")
        if not rate_ratio > 0:
            raise ValueError(f"expected `rate_ratio` (eta'/eta) > 0, got {rate_ratio}")
        if update not in ("stopped", "literal"):
            raise ValueError(f'expected `update` "stopped" or "literal", got {update!r}')

    def pull(self, outputs: Tensor, labels: Tensor, rows: slice) -> Tensor:
        """Return the pull, ``(sample, run, class)``."""
        return CrossEntropy().pull(outputs, labels, rows) + self.taught(outputs, rows)

    def taught(self, outputs: Tensor, rows: slice) -> Tensor:
        """Return the teacher's part of the pull, ``(sample, run, class)``; never negative."""
        target = truncated_scaled_logit(self.teacher[rows], self.temperature)
        gap = (truncated_scaled_logit(outputs, self.temperature) - target).clamp(max=0)
        if self.update == "stopped":
            gap = gap * (self.temperature**2 * outputs < 1)

        return -self.rate_ratio * gap

    def scalars(self, outputs: Tensor, labels: Tensor) -> Mapping[str, Tensor]:
        """Return the scalars of cross-entropy and ``distillation_loss``, the summed gap below the teacher."""
        target = truncated_scaled_logit(self.teacher, self.temperature)
        gap = (target - truncated_scaled_logit(outputs, self.temperature)).clamp(min=0)

        return {**CrossEntropy().scalars(outputs, labels), "distillation_loss": gap.sum(-1).mean(0)}

    def select(self, runs: Tensor) -> "Distillation":
        """Return the objective of these runs only."""
        teacher = self.teacher if self.teacher.shape[1] == 1 else self.teacher.index_select(1, runs)

        return Distillation(teacher, self.temperature, self.rate_ratio, self.update)

    def at(self, samples: Tensor) -> "Distillation":
        """Return the objective of these samples only, numbered from 0 on."""
        return Distillation(self.teacher[samples], self.temperature, self.rate_ratio, self.update)


def _one_hot(outputs: Tensor, labels: Tensor) -> Tensor:
    """Return the labels as ``(sample, run, class)`` in the dtype of the outputs."""
    hot = torch.nn.functional.one_hot(labels, outputs.shape[-1]).to(outputs.dtype)

    return hot.unsqueeze(1).expand_as(outputs)
