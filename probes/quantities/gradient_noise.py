r"""The noise of stochastic gradients: how much those of samples differ, and what batch averages that out."""

import torch
from torch.nn.functional import cross_entropy

from probes.models.function import Function, Loss, check_differentiable
from probes.quantities.contract.probe_batch import ProbeBatch, labels_of
from probes.quantities.contract.quantity import Quantity
from probes.quantities.contract.state import State
from probes.schedules import Schedule

__all__ = ["gradient_noise"]

_MEASURES = ("trace", "norm", "scale")
_TOGETHER = 64  # samples whose gradients are in memory at once


def gradient_noise(batch: ProbeBatch, *, loss: Loss = cross_entropy, schedule: Schedule | None = None) -> Quantity:
    r"""The spread of gradients over N samples, a series ``gradient_noise`` with the axis ``(measure)``.

    With :math:`g_n = \nabla_\theta L(f(x_n), y_n)` over all parameters that are trained, and :math:`\bar g` their mean:

    * ``trace``: that of their covariance, :math:`\frac{1}{N-1} \sum_n \|g_n - \bar g\|^2`;
    * ``norm``: :math:`\|\bar g\|`;
    * ``scale``, the simple noise scale: trace / norm², in samples; batches far below it see mostly noise, and batches
      far above it average over more than they need. NaN where the mean is 0.

    Source: S. McCandlish et al., "An empirical model of large-batch training", 2018, Section 2.2,
    https://arxiv.org/abs/1812.06162. Their G is the gradient of all data, and norm² is larger than :math:`\|G\|^2` by
    trace / N on the average: a scale that comes near N is too small, and needs more samples.

    It costs a forward and a backward pass of the batch, and writes the gradient of every sample, N times as many
    numbers as there are parameters, which takes most of its time; those of 64 samples are in memory at once. Give it
    a schedule.

    Args:
        batch: Two samples or more and their labels.
        loss: Called as ``loss(outputs, labels)`` with one sample, axes ``(1, ...)``; its default is that of
            classification.
        schedule: At which steps; default, at those of the recorder.

    Raises:
        ValueError: the batch has no labels, or but one sample.
        UsageError: (when measured) a label is no class of the model, or the outputs have no gradient to a trained
            parameter.

    Example:
        >>> model = torch.nn.Linear(1, 1, bias=False)
        >>> batch = ProbeBatch(torch.tensor([[1.0], [3.0]]), labels=torch.tensor([[0.0], [0.0]]))
        >>> noise = gradient_noise(batch, loss=lambda outputs, labels: (outputs - labels).sum())  # gradients 1 and 3
        >>> noise(State(0, dict(model.named_parameters()), model))
        tensor([2.0000, 2.0000, 0.5000])
    """
    labels_of(batch)
    if batch.samples < 2:
        raise ValueError(f"expected two samples or more in batch `{batch.name}` for their spread, got {batch.samples}")

    def measure(state: State) -> torch.Tensor:
        with batch.function(state) as function:
            check_differentiable(function)
            squares, mean = _moments(function, loss, labels_of(batch))
        count = batch.samples
        trace = (squares - count * mean).clamp(min=0) / (count - 1)
        return torch.stack([trace, mean.sqrt(), trace / mean]).float()

    return Quantity(
        f"gradient_noise{batch.suffix}",
        ("measure",),
        measure,
        labels={"measure": _MEASURES},
        quantity="gradient_noise",
        schedule=schedule,
        probe_batches=(batch,),
    )


def _moments(function: Function, loss: Loss, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The sum of the squared norms of the gradients, and the squared norm of their mean, in float64."""

    def alone(
        parameters: dict[str, torch.Tensor], sample: dict[str, torch.Tensor], label: torch.Tensor
    ) -> torch.Tensor:
        return loss(function.alone(parameters, sample).unsqueeze(0), label.unsqueeze(0))

    gradients = torch.func.vmap(torch.func.grad(alone), in_dims=(None, 0, 0))
    squares = torch.zeros((), dtype=torch.float64, device=labels.device)
    sums = {name: torch.zeros_like(one, dtype=torch.float64) for name, one in function.parameters.items()}
    for start in range(0, len(labels), _TOGETHER):
        some = slice(start, start + _TOGETHER)
        samples = {name: one[some] for name, one in function.samples.items()}
        for name, gradient in gradients(function.parameters, samples, labels[some]).items():
            norms = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
            squares = squares + norms.double().square().sum()
            sums[name] += gradient.sum(0)
    total = torch.stack([one.square().sum() for one in sums.values()]).sum()
    return squares, total / len(labels) ** 2
