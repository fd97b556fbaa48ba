"""Which units of a layer are active, and on how many samples; which are dead or dormant."""

import torch

from probes.errors import UsageError
from probes.quantities.contract.probe_batch import ProbeBatch
from probes.quantities.contract.quantity import Quantity
from probes.quantities.contract.state import State
from probes.schedules import Schedule

__all__ = ["active_share", "dormant_share"]

_KINDS = ("dead", "dormant")


def active_share(module: str, batch: ProbeBatch, *, axis: int = 1, schedule: Schedule | None = None) -> Quantity:
    r"""The share of samples at which each unit of a module is positive, :math:`\#\{n : h_u(x_n) > 0\} / N` in [0, 1].

    A series called ``<module>.active_share``, axis ``(unit,)``. Of a convolution or a transformer, where a unit has an
    output at each position, the share is over samples and positions. 0 is a unit that is dead on the batch.

    A forward pass of the batch, which all quantities of the batch share, and one comparison for each output.

    Args:
        module: Name of the module whose output is looked at, as in ``model.named_modules()``: a ReLU, or what comes
            before it, which is positive at the same samples.
        batch: What the model is evaluated on.
        axis: That of the output ``(sample, ...)`` which counts units: 1 of Linear and Conv, -1 of a transformer.
        schedule: At which steps; default, at those of the recorder.

    Raises:
        UsageError: (when measured) the model has no such module, its output is no tensor, or has no such axis.

    Example:
        >>> model = torch.nn.Sequential(torch.nn.ReLU())
        >>> batch = ProbeBatch(torch.tensor([[1.0, -1.0], [2.0, -2.0], [-1.0, -3.0], [4.0, 5.0]]))
        >>> active_share("0", batch)(State(0, {}, model))
        tensor([0.7500, 0.2500])
    """

    def measure(state: State) -> torch.Tensor:
        return (_by_unit(batch, state, module, axis) > 0).float().mean(0)

    return Quantity(
        f"{module}.active_share",
        ("unit",),
        measure,
        quantity="activity",
        schedule=schedule,
        probe_batches=(batch,),
    )


def dormant_share(
    module: str, batch: ProbeBatch, *, tau: float = 0.025, axis: int = 1, schedule: Schedule | None = None
) -> Quantity:
    r"""The share of a module's units that are dead, and of those that are dormant, on a batch.

    A series called ``<module>.dormant_share``, axis ``(kind,)``, both in [0, 1]: ``dead``, never positive; ``dormant``,
    whose score :math:`s_u = \overline{|h_u|} / (\frac{1}{U} \sum_v \overline{|h_v|})`, with means over samples and
    positions, is at most tau: Sokar et al. 2023, Definition 3.1, https://arxiv.org/abs/2302.12902. Where all outputs
    are zero, all units are dormant.

    A forward pass of the batch, which all quantities of the batch share, and some three operations for each output.

    Args:
        module: Name of the module whose output is looked at, an activation function.
        batch: What the model is evaluated on.
        tau: From 0 on.
        axis: That of the output ``(sample, ...)`` which counts units.
        schedule: At which steps; default, at those of the recorder.

    Raises:
        ValueError: ``tau`` is negative.
        UsageError: (when measured) as of `active_share`.

    Example:
        >>> model = torch.nn.Sequential(torch.nn.ReLU())
        >>> batch = ProbeBatch(torch.tensor([[4.0, -1.0, 0.001, 2.0], [2.0, -2.0, 0.0, 1.0]]))
        >>> dormant_share("0", batch)(State(0, {}, model))
        tensor([0.2500, 0.5000])
    """
    if not tau >= 0:
        raise ValueError(f"expected `tau` of 0 or more, got {tau}")

    def measure(state: State) -> torch.Tensor:
        outputs = _by_unit(batch, state, module, axis)
        sizes = outputs.abs().mean(0)
        return torch.stack([(outputs <= 0).all(0), sizes <= tau * sizes.mean()]).float().mean(1)

    return Quantity(
        f"{module}.dormant_share",
        ("kind",),
        measure,
        labels={"kind": _KINDS},
        quantity="activity",
        schedule=schedule,
        probe_batches=(batch,),
    )


def _by_unit(batch: ProbeBatch, state: State, module: str, axis: int) -> torch.Tensor:
    """A module's output on the batch, ``(sample and position, unit)``."""
    outputs = batch.activations(state, module)
    if axis == 0 or not -outputs.ndim < axis < outputs.ndim:
        raise UsageError(
            f"expected `axis` of the units of `{module}`, whose output is {tuple(outputs.shape)}, after that of "
            f"samples, got {axis}"
        )
    return outputs.movedim(axis, -1).flatten(0, -2).float()
