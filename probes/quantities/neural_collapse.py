r"""Neural collapse: what the last features and weights of a classifier come to look like late in training.

Axes: n = sample, j, l = class, d = dim of the features.
"""

import torch

from probes.errors import UsageError
from probes.quantities.contract.batch_checks import class_count
from probes.quantities.contract.probe_batch import ProbeBatch, labels_of
from probes.quantities.contract.quantity import Quantity
from probes.quantities.contract.state import State
from probes.schedules import Schedule

__all__ = ["neural_collapse"]

_MEASURES = (
    "nc1",
    "nc2_norms_of_means",
    "nc2_norms_of_weights",
    "nc2_angles_of_means",
    "nc2_angles_of_weights",
    "nc3",
    "nc4",
)
_SMALLEST = 1e-7  # singular value of class means, of the largest; features of float32 know no more


def neural_collapse(layer: str, batch: ProbeBatch, *, schedule: Schedule | None = None) -> Quantity:
    r"""NC1 to NC4 at a classifier's last layer, a series ``neural_collapse`` with the axis ``(measure)``; all go to 0.

    With features h of sample n, the inputs of the layer; :math:`\mu_j` their mean in class j of k, :math:`\mu` the mean
    of these, :math:`m_j = \mu_j - \mu`, M their matrix, W the layer's weights with rows :math:`w_j`:

    * ``nc1``, variability within classes: :math:`\mathrm{tr}(\Sigma_W \Sigma_B^+) / k`, with :math:`\Sigma_W` the mean
      of :math:`(h_n - \mu_{y_n})(h_n - \mu_{y_n})^T`, :math:`\Sigma_B` that of :math:`m_j m_j^T`, and :math:`^+` the
      pseudo-inverse;
    * ``nc2_norms_of_means``, ``nc2_norms_of_weights``: :math:`\mathrm{std}_j |m_j| / \mathrm{mean}_j |m_j|`, std with
      k - 1, and of :math:`w_j`;
    * ``nc2_angles_of_means``, ``nc2_angles_of_weights``: the mean of :math:`|\cos(m_j, m_l) + 1/(k-1)|` over
      :math:`j \ne l`, and of :math:`w_j`;
    * ``nc3``, self-duality: :math:`\| W / \|W\|_F - M / \|M\|_F \|_F^2`, from 0 to 4;
    * ``nc4``: the share of samples, 0 to 1, that the model puts into another class than that of the nearest mean.

    Source: V. Papyan, X. Y. Han and D. L. Donoho, "Prevalence of neural collapse during the terminal phase of deep
    learning training", 2020, https://arxiv.org/abs/2008.08186; as their published code has it, with the division by k
    of their text. The phenomenon is one of training samples, so choose the batch among them. A measure is NaN where it
    is not defined, as with means that are all the same.

    Beside one forward pass of the batch, which all quantities share, it costs :math:`O(k d (n + k))` operations.

    Args:
        layer: Name of the last layer, a ``Linear``, as in ``model.named_modules()``.
        batch: Samples and their classes, two or more of each.
        schedule: At which steps; default, at those of the recorder.

    Raises:
        ValueError: the batch's labels are no classes, or of one it has fewer than two samples.
        UsageError: (when measured) the batch has not all classes of the layer, or the layer's inputs are not
            ``(sample, dim)``.

    Example:
        >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2, 2, bias=False))
        >>> _ = model[1].weight.data.copy_(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))
        >>> inputs = torch.tensor([[2.0, 0.0], [2.0, 0.0], [-2.0, 0.0], [-2.0, 0.0]])
        >>> collapse = neural_collapse("1", ProbeBatch(inputs, labels=torch.tensor([0, 0, 1, 1])))
        >>> collapse(State(0, dict(model.named_parameters()), model)).abs()
        tensor([0., 0., 0., 0., 0., 0., 0.])
    """
    classes = class_count(batch.name, batch.labels, least=2)

    def measure(state: State) -> torch.Tensor:
        features, outputs = batch.inputs_of(state, layer).double(), batch.outputs(state)
        weights, labels = state.parameters[f"{layer}.weight"].detach().double(), labels_of(batch)
        _check(layer, features, weights, classes)
        means = torch.stack([features[labels == each].mean(0) for each in range(classes)])
        centred = means - means.mean(0)
        nearest = torch.cdist(features, means).argmin(1)

        return torch.stack([
            _within(features - means[labels], centred),
            _spread(centred),
            _spread(weights),
            _angles(centred),
            _angles(weights),
            (weights / weights.norm() - centred / centred.norm()).square().sum(),
            (outputs.argmax(1) != nearest).double().mean(),
        ]).float()

    return Quantity(
        f"neural_collapse{batch.suffix}",
        ("measure",),
        measure,
        labels={"measure": _MEASURES},
        quantity="neural_collapse",
        schedule=schedule,
        probe_batches=(batch,),
    )


def _within(deviations: torch.Tensor, centred: torch.Tensor) -> torch.Tensor:
    """NC1 of deviations ``(sample, dim)``: as Σ_B is M'M / k, its pseudo-inverse is k M⁺ M⁺', of far fewer numbers."""
    if not bool(centred.any()):
        return centred.new_tensor(torch.nan)
    inverse = torch.linalg.pinv(centred, rtol=_SMALLEST)
    found: torch.Tensor = (deviations @ inverse).square().sum(1).mean()
    return found


def _spread(vectors: torch.Tensor) -> torch.Tensor:
    norms: torch.Tensor = torch.linalg.vector_norm(vectors, dim=1)
    return norms.std() / norms.mean()


def _angles(vectors: torch.Tensor) -> torch.Tensor:
    """How far the cosines between classes are from those of a simplex, on the average."""
    classes = len(vectors)
    unit: torch.Tensor = vectors / torch.linalg.vector_norm(vectors, dim=1, keepdim=True)
    apart = (unit @ unit.T + 1 / (classes - 1)).abs()
    return (apart.sum() - apart.trace()) / (classes * (classes - 1))


def _check(layer: str, features: torch.Tensor, weights: torch.Tensor, classes: int) -> None:
    if features.ndim != 2 or weights.shape[1:] != features.shape[1:]:
        raise UsageError(
            f"expected a Linear layer with inputs (sample, dim) as `layer`, got `{layer}` with inputs of shape "
            f"{tuple(features.shape)} and weights of shape {tuple(weights.shape)}"
        )
    if not 2 <= len(weights) == classes:
        raise UsageError(
            f"expected samples of each of the {len(weights)} classes of `{layer}`, two or more, got labels of "
            f"{classes}; choose a batch with all of them"
        )
