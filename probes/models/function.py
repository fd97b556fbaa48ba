"""A model on a probe batch as a function of its parameters, for derivatives that leave nothing on the model."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from probes.errors import UsageError
from probes.models.distributed import is_sharded
from probes.models.modules import named_modules, named_parameters

__all__ = ["Function", "Loss", "check_differentiable", "copied_buffers", "differentiating", "trained"]

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Tensors = Mapping[str, torch.Tensor]


class Function(NamedTuple):
    """What `ProbeBatch.function` gives.

    Attributes:
        called: The outputs ``(sample, ...)`` for given parameters and samples.
        parameters: Those that are trained, by name, as they are now, outside the autograd graph.
        samples: The inputs of the batch, ``(sample, ...)`` each.
        labels: Of each sample, if known.

    Example:
        >>> double = Function(lambda parameters, samples: parameters["w"] * samples["x"], {"w": torch.tensor(2.0)},
        ...     {"x": torch.ones(2)}, None)
        >>> double(double.parameters)
        tensor([2., 2.])
    """

    called: Callable[[Tensors, Tensors], torch.Tensor]
    parameters: dict[str, torch.Tensor]
    samples: dict[str, torch.Tensor]
    labels: torch.Tensor | None

    def __call__(self, parameters: Tensors) -> torch.Tensor:
        """The outputs on the whole batch for these parameters, ``(sample, ...)``."""
        return self.called(parameters, self.samples)

    def alone(self, parameters: Tensors, sample: Tensors) -> torch.Tensor:
        """The output on one sample, given without its axis ``sample``, for these parameters."""
        return self.called(parameters, {name: one.unsqueeze(0) for name, one in sample.items()}).squeeze(0)


def check_differentiable(function: Function) -> None:
    """Refuse a model whose outputs do not depend on its trained parameters in a way that autograd sees.

    Raises:
        UsageError: they do not.

    Example:
        >>> from probes.quantities.contract.probe_batch import ProbeBatch
        >>> with ProbeBatch(torch.ones(1, 2)).function(torch.nn.Linear(2, 1)) as function:
        ...     check_differentiable(function)
    """
    leaves = {name: one.clone().requires_grad_() for name, one in function.parameters.items()}
    first = {name: one[:1] for name, one in function.samples.items()}
    if not function.called(leaves, first).requires_grad:
        raise UsageError(
            "expected outputs with a gradient to the trained parameters, got none: the model detaches, rounds or "
            "compares, or all of its parameters are frozen"
        )


@contextmanager
def differentiating(model: torch.nn.Module) -> Iterator[None]:
    """Gradients on, and attention computed in ways that have second derivatives.

    Raises:
        UsageError: processes share the model's parameters.

    Example:
        >>> with torch.no_grad(), differentiating(torch.nn.Linear(1, 1)):
        ...     torch.is_grad_enabled()
        True
    """
    if is_sharded(model):
        raise UsageError("expected a model whose parameters are whole in this process to differentiate, got shards")
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def copied_buffers(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Copies of the buffers by the model's own names, for a module to change: torch.func lets it change no others.

    Example:
        >>> list(copied_buffers(torch.nn.BatchNorm1d(1)))
        ['running_mean', 'running_var', 'num_batches_tracked']
    """
    modules = [(f"{path}." if path else "", module) for path, module in named_modules(model)]
    buffers = [(f"{path}{name}", one) for path, module in modules for name, one in module._buffers.items()]  # noqa: SLF001
    return {name: one.clone() for name, one in buffers if one is not None}


def trained(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The parameters that need a gradient, each once, by the model's own names, outside the autograd graph.

    Example:
        >>> list(trained(torch.nn.Linear(1, 1)))
        ['weight', 'bias']
    """
    found: dict[int, tuple[str, torch.Tensor]] = {}
    for name, one in named_parameters(model):
        if one.requires_grad:
            found.setdefault(id(one), (name, one.detach()))
    return dict(found.values())
