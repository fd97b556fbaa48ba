"""How large a weight is in each of its directions: its singular values."""

import torch

from probes.errors import UsageError
from probes.quantities.contract.quantity import Quantity
from probes.quantities.contract.rows import rows
from probes.quantities.contract.state import State
from probes.schedules import Schedule

__all__ = ["spectrum"]


def spectrum(
    name: str, *, largest: int | None = None, dims: tuple[str, ...] = (), schedule: Schedule | None = None
) -> Quantity:
    r"""The singular values :math:`\sigma_1 \ge \sigma_2 \ge \ldots` of a weight, a series called ``<name>.spectrum``.

    Axes ``(*dims, rank)``; each value is 0 or more. A weight of more than two axes is a matrix of its first axis by all
    others, as a convolution of its patches is. What follows from all of them, as `effective_rank` does, can be computed
    from the log, too. See Martin & Mahoney 2021, https://jmlr.org/papers/v22/20-410.html

    For n rows of dim d some 4 n d min(n, d) operations, and on a GPU the host waits for them: mind the schedule.

    Args:
        name: The parameter's name.
        largest: How many values are kept; default all min(n, d).
        dims: Names of leading axes, such as ``head``, each of whose entries is a matrix of its own.
        schedule: At which steps; default, at those of the recorder.

    Raises:
        UsageError: (when measured) the parameter has fewer axes, or fewer singular values than ``largest``.

    Example:
        >>> spectrum("weight")(State(0, {"weight": torch.tensor([[0.0, 3.0], [4.0, 0.0], [0.0, 0.0]])}))
        tensor([4., 3.])
    """

    def measure(state: State) -> torch.Tensor:
        values = singular_values(state, name, dims)
        if largest is not None and not 0 < largest <= values.shape[-1]:
            raise UsageError(
                f"expected `largest` from 1 to {values.shape[-1]}, the singular values of `{name}` of shape "
                f"{tuple(state.parameters[name].shape)}, got {largest}"
            )
        return values[..., :largest]

    return Quantity(f"{name}.spectrum", (*dims, "rank"), measure, reads=(name,), quantity="spectrum", schedule=schedule)


def singular_values(state: State, name: str, dims: tuple[str, ...]) -> torch.Tensor:
    """The singular values of a weight, ``(*dims, rank)``, in descending order.

    Raises:
        UsageError: the parameter has fewer axes.

    Example:
        >>> singular_values(State(0, {"weight": torch.eye(2)}), "weight", ())
        tensor([1., 1.])
    """
    values: torch.Tensor = torch.linalg.svdvals(rows(state, name, (*dims, "row")))
    return values
