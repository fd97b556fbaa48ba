"""Whether a weight's leading directions are those it began with, those it had before, or given ones.

Axis letters: d = dim, k = vectors of a leading subspace, m = those that it is compared with.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from probes.directions import Directions
from probes.directions.null import basis_of
from probes.errors import UsageError
from probes.quantities.contract.quantity import Quantity
from probes.quantities.contract.rows import product, rows
from probes.quantities.contract.state import State
from probes.schedules import Schedule

__all__ = ["alignment"]


def alignment(
    name: str,
    to: Directions | str = "start",
    *,
    k: int = 1,
    angles: bool = False,
    transposed: bool = False,
    schedule: Schedule | None = None,
) -> Quantity:
    r"""The overlap :math:`\|V_k^\top U\|_F^2 / \min(k, m)` of a weight's k leading right singular vectors with others.

    A series called ``<name>.alignment`` with what it is aligned to, as in ``<name>.alignment.start``; a number in [0,
    1], 1 where one subspace holds the other. With m others, of random subspaces in d dimensions it is max(k, m) / d on
    average. Hu et al. 2021, Section 7.2, equation 4, https://arxiv.org/abs/2106.09685. With ``angles`` it is the
    cosines of the principal angles instead, axis ``(angle,)``, in descending order, whose mean square the overlap is:
    Björck & Golub 1973, https://doi.org/10.2307/2005662.

    Where the k-th singular value is as large as the next, as after an orthogonal initialisation, the leading subspace
    is not defined, and nothing is said by the value; `spectrum` shows it.

    For n rows of dim d some 10 n d min(n, d) operations, and on a GPU the host waits for them: mind the schedule. With
    ``"start"`` or ``"last"`` k vectors are remembered, which checkpoints carry.

    Args:
        name: The parameter's name; its further axes are flattened after the first.
        to: ``"start"``, the subspace at step 0; ``"last"``, that of the look before, at the first look its own; or
            directions, whose span it is.
        k: How many singular vectors.
        angles: Whether the cosines are recorded.
        transposed: Whether the parameter's first two axes are swapped before: its left singular vectors are taken.
        schedule: At which steps; default, at those of the recorder.

    Raises:
        ValueError: ``to`` or ``k`` is something else.
        UsageError: (when measured) the parameter has fewer axes, a rank below k, or another dim than the directions; or
            the first look is not at step 0, and ``to`` is ``"start"``.

    Example:
        >>> weight = torch.tensor([[3.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
        >>> alignment("weight", Directions(torch.eye(3)[1:]), k=2)(State(0, {"weight": weight}))
        tensor(0.5000)
        >>> to_start = alignment("weight")
        >>> to_start(State(0, {"weight": weight})), to_start(State(1, {"weight": weight.flip(1)}))
        (tensor(1.), tensor(0.))
    """
    if k < 1 or not (isinstance(to, Directions) or to in {"start", "last"}):
        raise ValueError(f'expected `to` "start", "last" or directions, and `k` of 1 or more, got {to!r} and {k}')
    leading = _Leading(name, k, transposed)

    return Quantity(
        f"{name}.alignment.{'directions' if isinstance(to, Directions) else to}",
        ("angle",) if angles else (),
        _Spanned(leading, to, angles=angles) if isinstance(to, Directions) else _Remembered(leading, to, angles=angles),
        directions=to.stored() if isinstance(to, Directions) else None,
        reads=(name,),
        quantity="alignment",
        schedule=schedule,
    )


@dataclass(frozen=True)
class _Leading:
    """The leading singular vectors of a weight."""

    name: str
    k: int
    transposed: bool

    def __call__(self, state: State) -> torch.Tensor:
        """The vectors, ``(k, dim)``."""
        weight = rows(state, self.name, ("row",), transposed=self.transposed)
        _, values, vectors = torch.linalg.svd(weight, full_matrices=False)
        rank = int((values > max(weight.shape) * torch.finfo(weight.dtype).eps * values[0]).sum())
        if rank < self.k:
            raise UsageError(
                f"expected `{self.name}` of rank {self.k} or more, as `k` says, got rank {rank} of shape "
                f"{tuple(weight.shape)} at step {state.step}; lower `k`"
            )
        leading: torch.Tensor = vectors[: self.k].clone()  # remembered alone, without the others
        return leading


class _Spanned:
    """Compares with what directions span."""

    def __init__(self, leading: _Leading, directions: Directions, *, angles: bool) -> None:
        self._leading, self._directions, self._angles = leading, directions, angles
        self._basis = basis_of(directions.flat().double())

    def __call__(self, state: State) -> torch.Tensor:
        vectors = self._leading(state)
        if vectors.shape[1] != self._directions.dim:
            raise UsageError(
                f"expected directions of dim {vectors.shape[1]} as the rows of `{self._leading.name}` have, got "
                f"{self._directions!r}"
            )
        return _compared(vectors, self._basis.to(vectors), angles=self._angles)


class _Remembered:
    """Compares with the leading vectors at step 0 or at the look before, which checkpoints carry."""

    def __init__(self, leading: _Leading, to: str, *, angles: bool) -> None:
        self._leading, self._to, self._angles = leading, to, angles
        self._basis: torch.Tensor | None = None

    def __call__(self, state: State) -> torch.Tensor:
        vectors = self._leading(state)
        if self._basis is None and self._to == "start" and state.step:
            raise UsageError(
                f'expected to see `{self._leading.name}` at step 0 first, got step {state.step}; align it to "last"'
            )
        basis = vectors if self._basis is None else self._basis.to(vectors)
        if self._basis is None or self._to == "last":
            self._basis = vectors
        return _compared(vectors, basis, angles=self._angles)

    def state_dict(self) -> dict[str, torch.Tensor | None]:
        return {"basis": self._basis}

    def load_state_dict(self, state: Mapping[str, torch.Tensor | None]) -> None:
        self._basis = state["basis"]


def _compared(vectors: torch.Tensor, basis: torch.Tensor, *, angles: bool) -> torch.Tensor:
    """The overlap, or the cosines, of what two orthonormal sets ``(k, d)`` and ``(m, d)`` span."""
    cosines = product(vectors, basis.T)
    if angles:
        principal: torch.Tensor = torch.linalg.svdvals(cosines)
        return principal.clamp(max=1)
    return (cosines.square().sum() / min(cosines.shape)).clamp(max=1)
