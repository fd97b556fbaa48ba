r"""What a student is taught: Hinton's loss, and the teachers' logits it needs.

.. math:: (1 - a)\, CE(y, z) + a\, T^2\, KL(softmax(t / T) \| softmax(z / T))

with logits z, the teacher's t, temperature T and mixing a. Source: G. Hinton, O. Vinyals and J. Dean, "Distilling the
Knowledge in a Neural Network", 2015, https://arxiv.org/abs/1503.02531.

Self-distillation is the same with one network's logits: a fresh network learns them (form B), or a trained one goes on
with those of another (form A); either way each run has a teacher of its own, ``(run, sample, class)``.

Axes: s = run, n = sample, c = class.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, one_hot

__all__ = ["Hinton", "class_mean_targets", "ensemble_targets"]


@dataclass(frozen=True)
class Hinton:
    """Soft targets of the training set.

    Attributes:
        logits: The teacher's on every training sample: one teacher for all runs, ``(sample, class)``, or one each,
            ``(run, sample, class)``.
        temperature: T.
        mixing: Weight of the soft targets, in [0, 1]; the rest is for the labels.

    Raises:
        ValueError: If a value is impossible; the text says which.

    Example:
        >>> targets = Hinton(torch.tensor([[2.0, 0.0]]), temperature=2.0, mixing=1.0)
        >>> outputs, rows = torch.tensor([[[2.0, 0.0]], [[0.0, 0.0]]]), torch.zeros(2, 1, dtype=torch.int64)
        >>> targets.divergence(outputs, rows)
        tensor([[0.0000],
                [0.4438]])
    """

    logits: Tensor
    temperature: float = 2.0
    mixing: float = 0.9

    def __post_init__(self) -> None:
        if self.logits.ndim not in {2, 3}:
            raise ValueError(
                f"expected `logits` (sample, class) or (run, sample, class), got shape {tuple(self.logits.shape)}"
            )
        if self.temperature <= 0:
            raise ValueError(f"expected `temperature` > 0, got {self.temperature}")
        if not 0 <= self.mixing <= 1:
            raise ValueError(f"expected `mixing` in [0, 1], got {self.mixing}")

    def divergence(self, outputs: Tensor, rows: Tensor) -> Tensor:
        """Return T^2 KL(teacher, student) of each sample, ``(run, sample)``.

        Args:
            outputs: The students' logits, ``(run, sample, class)``.
            rows: Which training samples these are, ``(run, sample)``, int64.
        """
        own = self.logits.to(outputs.device)
        teacher = own[rows] if own.ndim == 2 else own[torch.arange(len(own))[:, None], rows]
        wanted = log_softmax(teacher.to(outputs.dtype) / self.temperature, -1)
        given = log_softmax(outputs / self.temperature, -1)

        return self.temperature**2 * torch.einsum("snc,snc->sn", wanted.exp(), wanted - given)


def ensemble_targets(logits: Tensor) -> Tensor:
    """Return the mean logits of the teachers, ``(sample, class)``.

    Args:
        logits: ``(teacher, sample, class)``.

    Example:
        >>> ensemble_targets(torch.tensor([[[1.0, 0.0]], [[0.0, 3.0]]]))
        tensor([[0.5000, 1.5000]])
    """
    return logits.mean(0)


def class_mean_targets(logits: Tensor, labels: Tensor) -> Tensor:
    """Return for each sample the mean logits of its class: a control that knows classes and nothing of the sample.

    Args:
        logits: A teacher's, ``(sample, class)``, or several teachers', ``(run, sample, class)``.
        labels: ``(sample,)``, int64.

    Example:
        >>> class_mean_targets(torch.tensor([[2.0, 0.0], [4.0, 1.0], [0.0, 9.0]]), torch.tensor([0, 0, 1]))
        tensor([[3.0000, 0.5000],
                [3.0000, 0.5000],
                [0.0000, 9.0000]])
    """
    member = one_hot(labels, logits.shape[-1]).to(logits)
    means = torch.einsum("nk,...nc->...kc", member / member.sum(0).clamp_min(1), logits)

    return means[..., labels, :]
