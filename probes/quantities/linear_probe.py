r"""What a linear readout could tell of the classes from a module's features."""

import torch
from torch.nn.functional import one_hot

from probes.quantities.contract.batch_checks import class_count
from probes.quantities.contract.probe_batch import ProbeBatch, labels_of
from probes.quantities.contract.quantity import Quantity
from probes.quantities.contract.state import State
from probes.schedules import Schedule

__all__ = ["linear_probe"]


def linear_probe(
    module: str, batch: ProbeBatch, *, penalty: float = 1e-3, schedule: Schedule | None = None
) -> Quantity:
    r"""The accuracy of a linear probe on samples held out of it, a series ``<module>.linear_probe``, no axes, 0 to 1.

    .. math::
        \min_{W, b} \frac1N \sum_n \|W h_n + b - e_{y_n}\|^2 + \lambda \sigma^2 \|W\|_F^2

    with h the module's output, flattened for each sample, :math:`e_j` the unit vector of class j, and :math:`\sigma^2`
    the mean variance of a dim, so that :math:`\lambda` has no unit; a sample is put into the class of the largest
    output. **The split**: of each class's samples, in the order of the batch, the first, third, fifth ... train the
    probe, the second, fourth ... are held out. The solution is exact, by a singular value decomposition in float64, and
    the same whenever the features are.

    Source: G. Alain and Y. Bengio, "Understanding intermediate layers using linear classifier probes", 2016,
    https://arxiv.org/abs/1610.01644, who train the probe by cross entropy; least squares need no training loop.

    Beside one forward pass of the batch, which all quantities share, it costs :math:`O(N d \min(N, d))` operations.

    Args:
        module: Name of the module, as in ``model.named_modules()``; the model's own name is ``""``.
        batch: Samples and their classes, two or more of each.
        penalty: :math:`\lambda`, above 0.
        schedule: At which steps; default, at those of the recorder.

    Raises:
        ValueError: the penalty is not above 0, the batch's labels are no classes, or of one there are fewer than two.
        UsageError: (when measured) the model has no such module, or its output is no tensor.

    Example:
        >>> inputs = torch.tensor([[1.0], [1.1], [-1.0], [-1.1]])
        >>> probe = linear_probe("0", ProbeBatch(inputs, labels=torch.tensor([0, 0, 1, 1])))
        >>> probe(State(0, {}, torch.nn.Sequential(torch.nn.Identity())))
        tensor(1.)
    """
    if penalty <= 0:
        raise ValueError(f"expected `penalty` above 0, got {penalty}")
    classes = class_count(batch.name, batch.labels, least=2)

    def measure(state: State) -> torch.Tensor:
        features, labels = batch.activations(state, module).flatten(1).double(), labels_of(batch)
        train = _first_halves(labels)
        outputs = _predicted(features[train], one_hot(labels[train], classes).double(), features[~train], penalty)
        right: torch.Tensor = outputs.argmax(1) == labels[~train]
        return right.float().mean()

    return Quantity(
        f"{module}.linear_probe{batch.suffix}" if module else f"linear_probe{batch.suffix}",
        (),
        measure,
        quantity="accuracy",
        schedule=schedule,
        probe_batches=(batch,),
    )


def _first_halves(labels: torch.Tensor) -> torch.Tensor:
    """Whether a sample trains: its number among those of its class, from 0, is even."""
    numbers = one_hot(labels).cumsum(0).gather(1, labels.unsqueeze(1)).squeeze(1) - 1
    return numbers % 2 == 0


def _predicted(inputs: torch.Tensor, targets: torch.Tensor, others: torch.Tensor, penalty: float) -> torch.Tensor:
    """What ridge regression of targets on inputs, fitted with a constant, says of others, ``(sample, class)``."""
    mean, level = inputs.mean(0), targets.mean(0)
    left, values, right = torch.linalg.svd(inputs - mean, full_matrices=False)
    squares = values.square()
    shrunk = values / (squares + penalty * squares.sum() / inputs.shape[1]).clamp(min=torch.finfo(torch.float64).tiny)

    found: torch.Tensor = level + (others - mean) @ right.T @ (shrunk.unsqueeze(1) * (left.T @ (targets - level)))
    return found
