"""How well a model does on each sample of a probe batch: losses and margins."""

import torch
from torch.nn.functional import cross_entropy

from probes.models.function import Loss
from probes.quantities.contract.batch_checks import class_count
from probes.quantities.contract.probe_batch import ProbeBatch, labels_of
from probes.quantities.contract.quantity import Quantity
from probes.quantities.contract.state import State
from probes.schedules import Schedule

__all__ = ["sample_losses", "sample_margins"]


def sample_losses(batch: ProbeBatch, *, loss: Loss = cross_entropy, schedule: Schedule | None = None) -> Quantity:
    r"""The quantity :math:`L(f(x_n), y_n)`, a series ``sample_losses``, axis ``(sample)``, in units of the loss.

    Its spread over samples, and its course for each of them, tell easy samples from hard and mislabelled ones: S.
    Swayamdipta et al., "Dataset Cartography", 2020, https://arxiv.org/abs/2009.10795.

    It costs one forward pass of the batch, which all quantities share that look at it at the same step.

    Args:
        batch: Samples and their labels.
        loss: Called as ``loss(outputs, labels)`` with one sample, axes ``(1, ...)``; its default is that of
            classification.
        schedule: At which steps; default, at those of the recorder.

    Raises:
        ValueError: the batch has no labels.
        UsageError: (when measured) a label is no class of the model.

    Example:
        >>> batch = ProbeBatch(torch.eye(2), labels=torch.tensor([0, 1]))
        >>> sample_losses(batch)(State(0, {}, torch.nn.Identity()))
        tensor([0.3133, 0.3133])
    """
    labels_of(batch)

    def measure(state: State) -> torch.Tensor:
        outputs = batch.outputs(state)
        alone = torch.func.vmap(lambda output, label: loss(output.unsqueeze(0), label.unsqueeze(0)))
        losses: torch.Tensor = alone(outputs.float(), labels_of(batch)).flatten()
        return losses

    return Quantity(
        f"sample_losses{batch.suffix}",
        ("sample",),
        measure,
        labels=batch.sample_labels,
        quantity="loss",
        schedule=schedule,
        probe_batches=(batch,),
    )


def sample_margins(batch: ProbeBatch, *, schedule: Schedule | None = None) -> Quantity:
    r"""The quantity :math:`f_{y_n}(x_n) - \max_{j \ne y_n} f_j(x_n)`, a series ``sample_margins``, axis ``(sample)``.

    In units of the logits; above 0 where the model puts the sample into its class. Source: M. Toneva et al., "An
    empirical study of example forgetting during deep neural network learning", 2019, Section 4,
    https://arxiv.org/abs/1812.05159, who call it the misclassification margin.

    It costs one forward pass of the batch, which all quantities share that look at it at the same step.

    Args:
        batch: Samples and their classes.
        schedule: At which steps; default, at those of the recorder.

    Raises:
        ValueError: the batch's labels are no classes.
        UsageError: (when measured) a label is no class of the model.

    Example:
        >>> batch = ProbeBatch(torch.tensor([[3.0, 1.0], [3.0, 1.0]]), labels=torch.tensor([0, 1]))
        >>> sample_margins(batch)(State(0, {}, torch.nn.Identity()))
        tensor([ 2., -2.])
    """
    class_count(batch.name, batch.labels)

    def measure(state: State) -> torch.Tensor:
        outputs = batch.outputs(state).float()
        own = labels_of(batch).unsqueeze(1)
        others = outputs.scatter(1, own, -torch.inf)
        return outputs.gather(1, own).squeeze(1) - others.amax(1)

    return Quantity(
        f"sample_margins{batch.suffix}",
        ("sample",),
        measure,
        labels=batch.sample_labels,
        quantity="margin",
        schedule=schedule,
        probe_batches=(batch,),
    )
