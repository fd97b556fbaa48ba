"""How sharply the loss bends: the largest eigenvalues of its Hessian or Gauss-Newton matrix, by products alone."""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from probes.errors import UsageError
from probes.models.function import Function, Loss, check_differentiable
from probes.quantities.contract.probe_batch import ProbeBatch, labels_of
from probes.quantities.contract.quantity import Quantity
from probes.quantities.contract.state import State
from probes.schedules import Schedule

__all__ = ["sharpness"]

Matrix = Literal["hessian", "gauss_newton"]
Vector = tuple[torch.Tensor, ...]  # one tensor for each parameter
Product = Callable[[Vector], Vector]
Array = NDArray[np.floating[Any]]

_WITH_GRAPH: dict[str, Any] = {"create_graph": True, "materialize_grads": True}
_MOST_RESTARTS = 100


def sharpness(
    batch: ProbeBatch,
    *,
    largest: int = 1,
    matrix: Matrix = "hessian",
    loss: Loss = cross_entropy,
    tolerance: float = 1e-3,
    schedule: Schedule | None = None,
) -> Quantity:
    r"""The largest eigenvalues of the loss's Hessian, a series ``sharpness`` with the axis ``(rank)``, falling.

    Of :math:`\nabla^2_\theta L(f_\theta(X), y)` over all parameters that are trained, or of the Gauss-Newton matrix
    :math:`J^T (\nabla^2_f L) J` in a series ``sharpness.gauss_newton``, which has no negative ones where the loss is
    convex in the outputs. In units of the loss. Gradient descent with step size :math:`\eta` is stable below
    :math:`2 / \eta`: J. Cohen et al., "Gradient descent on neural networks typically occurs at the edge of stability",
    2021, https://arxiv.org/abs/2103.00065. Derivatives are those of autograd: a kink, as of ReLU, bends nothing.

    The eigenvalues are those of ``scipy.sparse.linalg.eigsh`` (implicitly restarted Lanczos, R. B. Lehoucq, D. C.
    Sorensen and C. Yang, 1998), from the same start vector at every look, to a relative ``tolerance``. It needs matrix
    products alone, some 20 for one eigenvalue and in all about as many for a few, each of which costs about two
    backward passes of the batch; one graph of second derivatives of the whole batch is in memory. Give it a schedule.
    Models of up to 20 parameters, or twice as many as eigenvalues are asked for, are computed densely.

    Args:
        batch: Samples and their labels.
        largest: How many eigenvalues.
        matrix: ``"hessian"`` or ``"gauss_newton"``.
        loss: Called as ``loss(outputs, labels)``, a mean over samples; its default is that of classification.
        tolerance: Relative, of an eigenvalue.
        schedule: At which steps; default, at those of the recorder.

    Raises:
        ValueError: ``largest`` is below 1, the matrix is another, or the batch has no labels.
        UsageError: (when measured) there are fewer parameters than eigenvalues, no convergence, a label that is no
            class of the model, outputs without a gradient to a trained parameter, or a part of the model, for its
            Hessian, without a second derivative.

    Example:
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> batch = ProbeBatch(torch.tensor([[1.0, 0.0], [0.0, 3.0]]), labels=torch.zeros(2, 1))
        >>> bend = sharpness(batch, largest=2, loss=torch.nn.functional.mse_loss)  # X'X, of two samples
        >>> bend(State(0, dict(model.named_parameters()), model))
        tensor([9., 1.])
    """
    if largest < 1:
        raise ValueError(f"expected `largest` of 1 or more, got {largest}")
    if matrix not in _PRODUCTS:
        raise ValueError(f"expected {' or '.join(map(repr, _PRODUCTS))} as `matrix`, got {matrix!r}")
    labels_of(batch)

    def measure(state: State) -> torch.Tensor:
        with batch.function(state) as function:
            check_differentiable(function)
            product = _PRODUCTS[matrix](function, loss, labels_of(batch))
            flat = _Flat(tuple(function.parameters.values()), product)
            return torch.from_numpy(_eigenvalues(flat, largest, tolerance)).float()

    return Quantity(
        f"sharpness{'' if matrix == 'hessian' else f'.{matrix}'}{batch.suffix}",
        ("rank",),
        measure,
        quantity="eigenvalue",
        schedule=schedule,
        probe_batches=(batch,),
    )


def _hessian(function: Function, loss: Loss, labels: torch.Tensor) -> Product:
    """The gradient of the gradient, by one graph for all products; the Hessian is symmetric."""
    leaves = _leaves(function)
    gradient = torch.autograd.grad(loss(function(leaves), labels), tuple(leaves.values()), **_WITH_GRAPH)
    _check_twice(gradient)
    return _transposed(gradient, tuple(leaves.values()))


def _gauss_newton(function: Function, loss: Loss, labels: torch.Tensor) -> Product:
    """J' H J v; the product with J is the transpose of that with J', as few operations are differentiated forward."""
    leaves = _leaves(function)
    outputs = function(leaves)
    change, values = torch.zeros_like(outputs, requires_grad=True), outputs.detach().requires_grad_()
    pull = _transposed((outputs,), tuple(leaves.values()))
    push = _transposed(torch.autograd.grad(outputs, tuple(leaves.values()), change, **_WITH_GRAPH), (change,))
    bend = _transposed(torch.autograd.grad(loss(values, labels), values, **_WITH_GRAPH), (values,))

    return lambda vector: pull(bend(push(vector)))


_PRODUCTS: Mapping[str, Callable[[Function, Loss, torch.Tensor], Product]] = {
    "hessian": _hessian,
    "gauss_newton": _gauss_newton,
}


def _leaves(function: Function) -> dict[str, torch.Tensor]:
    """Plain autograd, not torch.func, which takes what is differentiable once for a constant the second time."""
    return {name: one.detach().requires_grad_() for name, one in function.parameters.items()}


def _check_twice(gradient: Vector) -> None:
    """Refuse what has no second derivative, which autograd takes for a constant where it asks for some inputs alone."""
    nodes, seen = [one.grad_fn for one in gradient], set()
    while nodes:
        node = nodes.pop()
        if node is None or node in seen:
            continue
        if node.name().endswith("::Error"):
            raise UsageError(
                "expected a model that can be differentiated twice, got a part that has a first derivative alone "
                "(`once_differentiable`); the Gauss-Newton matrix needs no more"
            )
        seen.add(node)
        nodes += [one for one, _ in node.next_functions]


def _transposed(outputs: Vector, inputs: Vector) -> Product:
    """Products with the transposed Jacobian of some tensors to others; zeros where there is none."""
    places = [place for place, one in enumerate(outputs) if one.requires_grad]

    def product(vector: Vector) -> Vector:
        if not places:
            return tuple(map(torch.zeros_like, inputs))
        of, along = ([each[place] for place in places] for each in (outputs, vector))
        return torch.autograd.grad(of, inputs, along, retain_graph=True, materialize_grads=True)

    return product


class _Flat:
    """A matrix that multiplies what stands for the parameters, as one that multiplies arrays of numpy's."""

    def __init__(self, parameters: Vector, product: Product) -> None:
        self._parameters, self._product = parameters, product
        self.size = sum(one.numel() for one in parameters)

    def __call__(self, array: Array) -> Array:
        pieces = torch.from_numpy(np.ascontiguousarray(array)).split([one.numel() for one in self._parameters])
        pairs = zip(self._parameters, pieces, strict=True)
        found = self._product(tuple(piece.to(one).view_as(one) for one, piece in pairs))
        return torch.cat([one.flatten().double().cpu() for one in found]).numpy()


def _eigenvalues(matrix: _Flat, largest: int, tolerance: float) -> Array:
    """The largest eigenvalues, in falling order."""
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

    size, room = matrix.size, max(2 * largest + 1, 20)
    if size < largest:
        raise UsageError(f"expected at least {largest} trained parameters for as many eigenvalues, got {size}")
    if size <= room:
        dense = np.stack([matrix(row) for row in np.eye(size)])
        values: Array = np.linalg.eigvalsh((dense + dense.T) / 2)
        return values[::-1][:largest].copy()

    start = np.random.default_rng(0).standard_normal(size)
    if not matrix(start).any():  # which the search cannot begin with, and which only a matrix of zeros gives
        return np.zeros(largest)
    options: dict[str, Any] = {"rng": 0} if "rng" in signature(eigsh).parameters else {}  # restarts; since SciPy 1.17
    options |= {"v0": start, "tol": tolerance, "maxiter": _MOST_RESTARTS, "return_eigenvectors": False}
    try:
        found = eigsh(LinearOperator((size, size), matvec=matrix, dtype=np.float64), largest, which="LA", **options)
    except ArpackNoConvergence as error:
        raise UsageError(
            f"expected the {largest} largest eigenvalues to a relative {tolerance:g}, got {len(error.eigenvalues)}; "
            "ask for fewer, or give a larger `tolerance`"
        ) from error
    return np.sort(found)[::-1].copy()
