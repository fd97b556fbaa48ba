r"""What the inputs of a layer matter to a model's outputs: the average gradient outer product (AGOP).

Axes: n = sample, c = output, s = place in the layer's output, such as a pixel or token, r = neuron, d, e = dims of what
a neuron sees.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from probes.errors import UsageError
from probes.models.evaluating import unwrapped
from probes.models.function import Function
from probes.models.modules import named_modules
from probes.quantities.contract.probe_batch import ProbeBatch
from probes.quantities.contract.quantity import Quantity
from probes.quantities.contract.state import State
from probes.schedules import Schedule

__all__ = ["gradient_outer_product", "gradient_outer_product_correlation"]

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def gradient_outer_product(layer: str, batch: ProbeBatch, *, schedule: Schedule | None = None) -> Quantity:
    r"""The AGOP at a layer's inputs, a series ``<layer>.gradient_outer_product`` with axes ``(dim, other_dim)``.

    .. math::
        G_{de} = \frac1N \sum_{n,c,s} \partial_{h_{nsd}} f_c(x_n) \; \partial_{h_{nse}} f_c(x_n)

    with h what a neuron of the layer sees of sample n at place s: the layer's input, or of a convolution a patch of it,
    flattened like its weights. Symmetric and positive semi-definite; in squared units of outputs over inputs.

    Sources: A. Radhakrishnan et al., "Mechanism for feature learning in neural networks and backpropagation-free
    machine learning models", 2024, https://arxiv.org/abs/2212.13881; with patches D. Beaglehole et al., 2023,
    https://arxiv.org/abs/2309.00570.

    It costs a forward pass and as many backward passes as there are outputs, from these down to the layer, and
    :math:`O(D^2)` numbers a step: give it a schedule, or record the `gradient_outer_product_correlation` alone.

    Args:
        layer: Name of a ``Linear`` or a convolution with one group, as in ``model.named_modules()``.
        batch: N samples; labels are not needed.
        schedule: At which steps; default, at those of the recorder.

    Raises:
        UsageError: (when measured) the model has no such layer, or the outputs do not depend on it.

    Example:
        >>> model = torch.nn.Sequential(torch.nn.Linear(2, 1, bias=False))
        >>> _ = model[0].weight.data.copy_(torch.tensor([[1.0, -2.0]]))
        >>> product = gradient_outer_product("0", ProbeBatch(torch.randn(5, 2)))
        >>> product(State(0, dict(model.named_parameters()), model))
        tensor([[ 1., -2.],
                [-2.,  4.]])
    """

    def measure(state: State) -> torch.Tensor:
        return _product(state, layer, batch).float()

    return _series(f"{layer}.gradient_outer_product", ("dim", "other_dim"), measure, batch, schedule)


def gradient_outer_product_correlation(
    layer: str, batch: ProbeBatch, *, power: float = 1.0, schedule: Schedule | None = None
) -> Quantity:
    r"""The correlation of W'W with the AGOP, a series ``<layer>.gradient_outer_product_correlation``, no axes.

    .. math::
        \frac{\langle W^T W, G^s \rangle_F}{\|W^T W\|_F \|G^s\|_F}

    with G of `gradient_outer_product` and s the power: from 0 to 1, where weights are what the neural feature ansatz
    says. Entries are not centred, as in the published code of Radhakrishnan et al.; convolutions are often compared
    with s = 1/2. NaN where W or G is 0.

    It costs what G does, and with a power an eigendecomposition, :math:`O(D^3)`, in addition.

    Args:
        layer: Name of a ``Linear`` or a convolution with one group, as in ``model.named_modules()``.
        batch: Samples; labels are not needed.
        power: s, above 0.
        schedule: At which steps; default, at those of the recorder.

    Raises:
        ValueError: the power is not above 0.
        UsageError: (when measured) as of `gradient_outer_product`.

    Example:
        >>> model = torch.nn.Sequential(torch.nn.Linear(2, 1, bias=False))
        >>> correlation = gradient_outer_product_correlation("0", ProbeBatch(torch.randn(5, 2)))
        >>> correlation(State(0, dict(model.named_parameters()), model))
        tensor(1.)
    """
    if power <= 0:
        raise ValueError(f"expected `power` above 0, got {power}")

    def measure(state: State) -> torch.Tensor:
        product, weight = _product(state, layer, batch), _weight(state, layer)
        if power != 1:
            values, vectors = torch.linalg.eigh(product)
            product = vectors @ (values.clamp(min=0) ** power * vectors).T
        features = weight.T @ weight
        found: torch.Tensor = (features * product).sum() / (features.norm() * product.norm())
        return found.float()

    return _series(f"{layer}.gradient_outer_product_correlation", (), measure, batch, schedule)


def _series(name: str, dims: tuple[str, ...], measure: Any, batch: ProbeBatch, schedule: Schedule | None) -> Quantity:
    facts: dict[str, Any] = {"schedule": schedule, "probe_batches": (batch,)}
    return Quantity(f"{name}{batch.suffix}", dims, measure, quantity="gradient_outer_product", **facts)


def _weight(state: State, layer: str) -> torch.Tensor:
    return state.parameters[f"{layer}.weight"].detach().flatten(1).double()


def _product(state: State, layer: str, batch: ProbeBatch) -> torch.Tensor:
    """G by way of the layer's outputs z: what changes h by dh changes z by W dh, so that df/dh is W' df/dz."""
    neurons = None
    with batch.function(state) as function, _Shift(state, layer) as shift:
        for gradient in _gradients(function, shift):
            rows = gradient.double()
            found = rows.T @ rows
            neurons = found if neurons is None else neurons + found
    if neurons is None:
        raise UsageError(f"expected outputs of the model with a gradient to `{layer}`, got none")
    weight = _weight(state, layer)
    return weight.T @ neurons @ weight / batch.samples


def _gradients(function: Function, shift: "_Shift") -> Iterator[torch.Tensor]:
    """Of every output to what the layer returns, ``(sample and place, neuron)``, for each call of the layer."""
    outputs = function(function.parameters).flatten(1).sum(0)  # samples do not see each other in evaluation mode
    if not outputs.requires_grad:
        return
    for output in outputs:
        for gradient in torch.autograd.grad(output, shift.added, retain_graph=True, materialize_grads=True):
            yield gradient.movedim(shift.axis, -1).flatten(0, -2)


class _Shift:
    """Has a layer add zeros, in `added`, to what it returns, by which outputs can be differentiated."""

    def __init__(self, state: State, layer: str) -> None:
        module = None if state.model is None else dict(named_modules(unwrapped(state.model))).get(layer)
        convolution = isinstance(module, _CONVOLUTIONS) and module.groups == 1
        if module is None or not (convolution or isinstance(module, nn.Linear)):
            got = "none of that name" if module is None else type(module).__name__
            raise UsageError(f"expected a Linear layer, or a convolution with one group, as `{layer}`, got {got}")
        self.axis = 1 if convolution else -1
        self.added: list[torch.Tensor] = []
        self._module = module

    def __enter__(self) -> "_Shift":
        self._hook = self._module.register_forward_hook(self._add)
        return self

    def __exit__(self, *_: object) -> None:
        self._hook.remove()

    def _add(self, _module: nn.Module, _inputs: object, output: torch.Tensor) -> torch.Tensor:
        self.added.append(torch.zeros_like(output, requires_grad=True))
        return output + self.added[-1]
