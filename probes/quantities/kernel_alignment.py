r"""How much the kernel of a module's features looks like that of the labels, and like itself at step 0.

Axes: n, p = samples, d = dim of the features.
"""

from collections.abc import Callable, Mapping

import torch
from torch.nn.functional import one_hot

from probes.errors import UsageError
from probes.quantities.contract.probe_batch import ProbeBatch, labels_of
from probes.quantities.contract.quantity import Quantity
from probes.quantities.contract.state import State
from probes.schedules import Schedule

__all__ = ["alignment", "alignments", "kernel_alignment"]

_WITH = ("labels", "start")


def kernel_alignment(module: str, batch: ProbeBatch, *, schedule: Schedule | None = None) -> Quantity:
    r"""The alignment of a module's features, a series ``<module>.kernel_alignment`` with the axis ``(kernel)``.

    .. math::
        A(K, L) = \frac{\langle HKH, HLH \rangle_F}{\|HKH\|_F \|HLH\|_F}, \qquad K_{np} = \langle h_n, h_p \rangle

    with h the module's output, flattened for each sample, and H the projection orthogonal to the constant vector. Under
    ``labels``, L is the kernel of the labels: 1 where two samples are of one class, else 0; of real targets their inner
    product. Under ``start``, it is K at step 0. Both are from 0, nothing in common, to 1, equal but for a factor; this
    is linear CKA. NaN where all features are the same. Checkpoints carry the kernel of step 0, ``(sample, sample)``.

    Sources: C. Cortes, M. Mohri and A. Rostamizadeh, "Algorithms for learning kernels based on centered alignment",
    2012, Definition 4, https://jmlr.org/papers/v13/cortes12a.html; S. Kornblith et al., "Similarity of neural network
    representations revisited", 2019, https://arxiv.org/abs/1905.00414.

    Beside one forward pass of the batch, which all quantities share, it costs :math:`O(N^2 d)` operations.

    Args:
        module: Name of the module, as in ``model.named_modules()``.
        batch: N samples and their labels.
        schedule: At which steps; default, at those of the recorder.

    Raises:
        ValueError: the batch has no labels, or all samples the same.
        UsageError: (when measured) the model has no such module, its output is no tensor, or the first look is not at
            step 0.

    Example:
        >>> batch = ProbeBatch(torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), labels=torch.tensor([0, 0, 1]))
        >>> kernel_alignment("0", batch)(State(0, {}, torch.nn.Sequential(torch.nn.Identity())))
        tensor([1., 1.])
    """

    def kernel(state: State) -> torch.Tensor:
        features = batch.activations(state, module).flatten(1).double()
        return features @ features.T

    return alignments(f"{module}.kernel_alignment", kernel, batch, schedule=schedule)


def alignments(
    name: str, kernel: Callable[[State], torch.Tensor], batch: ProbeBatch, *, schedule: Schedule | None
) -> Quantity:
    """A series of a kernel's alignments ``(kernel)`` with that of the labels, and with itself at step 0.

    Raises:
        ValueError: the batch has no labels, or all samples the same.

    Example:
        >>> batch = ProbeBatch(torch.eye(2), labels=torch.tensor([0, 1]))
        >>> alignments("ones", lambda state: torch.eye(2), batch, schedule=None)(State(0, {}))
        tensor([1., 1.])
    """
    labels = labels_of(batch)
    if bool((labels == labels[:1]).all()):
        raise ValueError(f"expected `labels` of batch `{batch.name}` that differ, got the same of all samples")

    return Quantity(
        f"{name}{batch.suffix}",
        ("kernel",),
        _Alignments(name, kernel, batch),
        labels={"kernel": _WITH},
        quantity="alignment",
        schedule=schedule,
        probe_batches=(batch,),
    )


def alignment(kernel: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """The centred alignment of two kernels ``(sample, sample)``, a scalar from 0 to 1; NaN where one is constant.

    Example:
        >>> alignment(torch.eye(3).double(), 2 * torch.eye(3).double() + 1)
        tensor(1., dtype=torch.float64)
    """
    one, two = map(_centred, (kernel, other))
    found: torch.Tensor = (one * two).sum() / (one.norm() * two.norm())
    return found


class _Alignments:
    """Remembers the kernel at step 0."""

    def __init__(self, name: str, kernel: Callable[[State], torch.Tensor], batch: ProbeBatch) -> None:
        self._name, self._kernel, self._batch = name, kernel, batch
        self._start: torch.Tensor | None = None

    def __call__(self, state: State) -> torch.Tensor:
        kernel = self._kernel(state).double()
        if self._start is None:
            if state.step:
                raise UsageError(
                    f"expected to see the kernel of `{self._name}` at step 0 first, got step {state.step}; record the "
                    "run from its beginning"
                )
            self._start = kernel
        others = (_of_labels(labels_of(self._batch)), self._start.to(kernel.device))
        return torch.stack([alignment(kernel, other) for other in others]).float()

    def state_dict(self) -> dict[str, torch.Tensor | None]:
        return {"start": self._start}

    def load_state_dict(self, state: Mapping[str, torch.Tensor | None]) -> None:
        self._start = state["start"]


def _of_labels(labels: torch.Tensor) -> torch.Tensor:
    targets = (labels if labels.is_floating_point() else one_hot(labels)).double().reshape(len(labels), -1)
    return targets @ targets.T


def _centred(kernel: torch.Tensor) -> torch.Tensor:
    return kernel - kernel.mean(0) - kernel.mean(1, keepdim=True) + kernel.mean()
