r"""The empirical tangent kernel of a model on a probe batch, and what it looks like.

Axes: n, p = samples, c = output, all others those of a parameter.
"""

import torch

from probes.models.function import Function, check_differentiable
from probes.quantities.contract.probe_batch import ProbeBatch
from probes.quantities.contract.quantity import Quantity
from probes.quantities.contract.state import State
from probes.quantities.kernel_alignment import alignments
from probes.schedules import Schedule

__all__ = ["tangent_kernel", "tangent_kernel_alignment"]


def tangent_kernel_alignment(batch: ProbeBatch, *, schedule: Schedule | None = None) -> Quantity:
    r"""The alignment of a model's tangent kernel, a series ``tangent_kernel_alignment`` with the axis ``(kernel)``.

    .. math::
        K_{np} = \sum_c \langle \nabla_\theta f_c(x_n), \nabla_\theta f_c(x_p) \rangle

    over all outputs c and all parameters that are trained; its centred alignment with the kernel of the labels and with
    itself at step 0, as `kernel_alignment` has it, from 0 to 1. One that stays 1 under ``start`` is that of a lazy
    training.

    Source: A. Jacot, F. Gabriel and C. Hongler, "Neural tangent kernel", 2018, https://arxiv.org/abs/1806.07572, of
    which this is the trace over outputs.

    It costs a forward pass and as many backward passes of the batch as there are outputs, and :math:`O(N^2 P)`
    operations for each; N gradients of P numbers are in memory at once. Give it a schedule.

    Args:
        batch: N samples and their labels.
        schedule: At which steps; default, at those of the recorder.

    Raises:
        ValueError: the batch has no labels, or all samples the same.
        UsageError: (when measured) the outputs have no gradient to a trained parameter, or the first look is not at
            step 0.

    Example:
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> batch = ProbeBatch(torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), labels=torch.tensor([0.0, 0.0, 1.0]))
        >>> tangent_kernel_alignment(batch)(State(0, dict(model.named_parameters()), model))
        tensor([1., 1.])
    """

    def kernel(state: State) -> torch.Tensor:
        with batch.function(state) as function:
            check_differentiable(function)
            return tangent_kernel(function)

    return alignments("tangent_kernel_alignment", kernel, batch, schedule=schedule)


def tangent_kernel(function: Function) -> torch.Tensor:
    """The trace of the tangent kernel over outputs, ``(sample, sample)``, float64.

    Example:
        >>> batch = ProbeBatch(torch.tensor([[1.0, 2.0], [3.0, 0.0]]))
        >>> with batch.function(torch.nn.Linear(2, 1, bias=False)) as function:
        ...     tangent_kernel(function)
        tensor([[5., 3.],
                [3., 9.]], dtype=torch.float64)
    """
    with torch.no_grad():
        outputs = function(function.parameters)

    def output(parameters: dict[str, torch.Tensor], sample: dict[str, torch.Tensor], number: int) -> torch.Tensor:
        return function.alone(parameters, sample).flatten()[number]

    gradients = torch.func.vmap(torch.func.grad(output), in_dims=(None, 0, None))
    kernel = torch.zeros(len(outputs), len(outputs), dtype=torch.float64, device=outputs.device)
    for number in range(outputs[0].numel()):
        for gradient in gradients(function.parameters, function.samples, number).values():
            rows = gradient.flatten(1)
            kernel += rows @ rows.T  # in the model's precision: in float64 it took three times as long
    return kernel
