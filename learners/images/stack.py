"""Equally shaped networks that train side by side: one tensor for a weight of all of them, one product for a layer.

`torch.vmap` makes a grouped convolution of the runs' convolutions. Written out by hand that is no faster (measured on
one core, ten of the digit study's convolutional networks: 44 ms against 43 ms of processor time a step, 55 ms one after
the other), and `vmap` takes any network.

Axes: s = run, n = sample.
"""

import copy
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

__all__ = ["Stack"]


class Stack(nn.Module):
    """R runs of one network, trained as one module whose every parameter and buffer has a leading run axis.

    A run's logits and gradients are those of the network alone to rounding, batch norm in training included. Names are
    the network's own, after "network.".

    Args:
        modules: The runs' networks, in one mode and on one device; copied, and left as they are.

    Raises:
        ValueError: If there is none, their parameters differ in names or shapes or are tied, or one draws at random
            while it trains: then a run would depend on those beside it.

    Example:
        >>> from probes.learners.images.networks import ImageNetwork
        >>> stack = Stack([ImageNetwork("mlp", widths=(16,)).build((1, 8, 8), 10) for _ in range(3)])
        >>> stack(torch.zeros(5, 1, 8, 8)).shape, stack(torch.zeros(3, 5, 1, 8, 8)).shape
        (torch.Size([3, 5, 10]), torch.Size([3, 5, 10]))
        >>> stack.weights["1.weight"].shape
        torch.Size([3, 16, 64])
    """

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        super().__init__()
        _check(modules)
        self.runs = len(modules)
        self.network = copy.deepcopy(modules[0])
        for name in [name for name, _ in self.network.named_parameters()]:
            own = [module.get_parameter(name) for module in modules]
            stacked = nn.Parameter(torch.stack([weights.detach() for weights in own]), own[0].requires_grad)
            _put(self.network, name, stacked)
        for name in [name for name, _ in self.network.named_buffers()]:
            _put(self.network, name, torch.stack([module.get_buffer(name).detach() for module in modules]))

    @property
    def weights(self) -> dict[str, Tensor]:
        """The parameters by the network's own names, ``(run, ...)``: themselves, not copies."""
        return dict(self.network.named_parameters())

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits, ``(run, sample, class)``.

        Args:
            inputs: Each run's own, ``(run, sample, channel, height, width)``; or one set for all, without the run axis.

        Raises:
            ValueError: If ``inputs`` have another number of runs.
        """
        own = inputs.ndim == 5
        if own and len(inputs) != self.runs:
            raise ValueError(f"expected `inputs` of {self.runs} runs, got shape {tuple(inputs.shape)}")

        state = self.weights, dict(self.network.named_buffers())
        outputs: Tensor = vmap(self._one, in_dims=(0, 0, 0 if own else None))(*state, inputs)
        return outputs

    def _one(self, weights: dict[str, Tensor], buffers: dict[str, Tensor], inputs: Tensor) -> Tensor:
        logits: Tensor = functional_call(self.network, (weights, buffers), (inputs,))
        return logits

    def module(self, run: int) -> nn.Module:
        """Return one run's network, an ordinary module with a copy of its weights.

        Args:
            run: Index of the run.

        Raises:
            ValueError: If there is no such run.

        Example:
            >>> stack = Stack([nn.Conv2d(1, 2, 3), nn.Conv2d(1, 2, 3)])
            >>> inputs = torch.rand(4, 1, 8, 8)
            >>> torch.allclose(stack.module(1)(inputs), stack(inputs)[1], atol=1e-6)
            True
        """
        if not 0 <= run < self.runs:
            raise ValueError(f"expected `run` of 0 to {self.runs - 1}, got {run}")

        return self._with(lambda stacked: stacked[run])

    def select(self, runs: Sequence[int]) -> "Stack":
        """Return a copy with these runs only, in this order; a run may come twice.

        Args:
            runs: Indices along the run axis.
        """
        return Stack([self.module(run) for run in runs])

    def _with(self, change: Callable[[Tensor], Tensor]) -> nn.Module:
        module = copy.deepcopy(self.network)
        for name, weights in self.network.named_parameters():
            _put(module, name, nn.Parameter(change(weights.detach()).clone(), weights.requires_grad))
        for name, buffer in self.network.named_buffers():
            _put(module, name, change(buffer.detach()).clone())

        return module

    @torch.no_grad()
    def outputs(self, inputs: Tensor, *, batch_size: int = 250) -> Tensor:
        """Return the logits in evaluation mode, ``(run, sample, class)``, without a graph; the mode stays as it was.

        Args:
            inputs: ``(sample, channel, height, width)``.
            batch_size: Samples that are computed at once.

        Example:
            >>> Stack([nn.Sequential(nn.Flatten(), nn.Linear(4, 3))]).outputs(torch.zeros(7, 1, 2, 2)).shape
            torch.Size([1, 7, 3])
        """
        training = self.training
        self.eval()
        try:
            return torch.cat([self(part) for part in inputs.split(batch_size)], 1)
        finally:
            self.train(training)


def _check(modules: Sequence[nn.Module]) -> None:
    if not modules:
        raise ValueError("expected at least one network to stack, got none")
    first = _shapes(modules[0])
    for run, module in enumerate(modules):
        if (type(module), _shapes(module)) != (type(modules[0]), first):
            raise ValueError(
                f"expected equally shaped networks, got other parameters in network {run} than in network 0"
            )
    tied = dict(modules[0].named_parameters(remove_duplicate=False)).keys() - dict(modules[0].named_parameters()).keys()
    if tied:
        raise ValueError(
            f"expected networks whose parameters have one name each, got {', '.join(sorted(tied))} tied to others: "
            "train these networks one at a time"
        )
    for name in _random(modules[0]):
        raise ValueError(
            f"expected networks that draw nothing while they train, got the dropout {name!r}: a run's draws would "
            "depend on the runs beside it; set its `p` to 0, or train one network at a time"
        )


def _shapes(module: nn.Module) -> list[tuple[str, torch.Size]]:
    return [(name, each.shape) for name, each in (*module.named_parameters(), *module.named_buffers())]


def _random(module: nn.Module) -> Iterator[str]:
    for name, part in module.named_modules():
        if isinstance(part, nn.modules.dropout._DropoutNd) and part.p > 0:  # noqa: SLF001 - the base of all of them
            yield name


def _put(module: nn.Module, name: str, value: Tensor) -> None:
    """Have a parameter or buffer of a module be another tensor."""
    owner, _, own = name.rpartition(".")
    setattr(module.get_submodule(owner), own, value)
