"""How alike the neurons of a layer are to each other, or to those of a teacher: the order parameters Q and R."""

import torch

from probes.directions import Directions
from probes.errors import UsageError
from probes.quantities.contract.quantity import Quantity
from probes.quantities.contract.rows import product, rows
from probes.quantities.contract.state import State
from probes.schedules import Schedule

__all__ = ["overlaps"]


def overlaps(
    name: str,
    teacher: torch.Tensor | torch.nn.Module | Directions | None = None,
    *,
    normalised: bool = False,
    dims: tuple[str, ...] = ("neuron",),
    transposed: bool = False,
    schedule: Schedule | None = None,
) -> Quantity:
    r"""The inner products of a layer's neurons with each other, or with those of a teacher.

    Without a teacher, :math:`Q_{rs} = \langle w_r, w_s \rangle`, axes ``(neuron, other_neuron)``, a series called
    ``<name>.overlaps``; with one, :math:`R_{rn} = \langle w_r, w^*_n \rangle`, axes ``(neuron, teacher_unit)``, called
    ``<name>.teacher_overlaps``. These are the order parameters of Saad & Solla 1995,
    https://doi.org/10.1103/PhysRevE.52.4225; others divide them by dim (Goldt et al. 2019,
    https://arxiv.org/abs/1906.08632).

    For n neurons of dim d, and m that they are compared with, some 2 n m d operations.

    Args:
        name: The parameter's name.
        teacher: A network, whose first weight is taken, a weight ``(teacher_unit, ...)``, or directions; it is copied.
        normalised: Whether cosines in [-1, 1] are taken instead, 0 for a neuron without weights.
        dims: Names of the parameter's leading axes, neurons last; those before, such as ``class``, have neurons of
            their own, each compared with the others of its class. All further axes are flattened.
        transposed: Whether the parameter's first two axes are swapped before: neurons are columns.
        schedule: At which steps; default, at those of the recorder.

    Raises:
        UsageError: the teacher has no weight, or (when measured) another dim, or the parameter has no further axes.
        ValueError: a unit of the teacher has no weights, or one that is not finite.

    Example:
        >>> state = State(0, {"weight": torch.tensor([[3.0, 4.0], [1.0, 0.0]])})
        >>> overlaps("weight")(state)
        tensor([[25.,  3.],
                [ 3.,  1.]])
        >>> overlaps("weight", torch.eye(2), normalised=True)(state)
        tensor([[0.6000, 0.8000],
                [1.0000, 0.0000]])
    """
    directions = teacher if teacher is None or isinstance(teacher, Directions) else Directions.of_teacher(teacher)

    def measure(state: State) -> torch.Tensor:
        students = _unit(rows(state, name, dims, transposed=transposed), normalised=normalised)
        if directions is None:
            return product(students, students.mT)
        if directions.dim != students.shape[-1]:
            raise UsageError(
                f"expected a teacher of dim {students.shape[-1]} as `{name}` of shape "
                f"{tuple(state.parameters[name].shape)} is, got {directions!r}"
            )
        units = _unit(directions.columns(like=students).T, normalised=normalised)
        overlap: torch.Tensor = product(students, units.T).unflatten(-1, directions.shape[:-1])
        return overlap

    others = (f"other_{dims[-1]}",) if directions is None else directions.names
    return Quantity(
        f"{name}.overlaps" if directions is None else f"{name}.teacher_overlaps",
        (*dims, *others),
        measure,
        labels={} if directions is None else directions.labels,
        directions=None if directions is None else directions.stored(),
        reads=(name,),
        quantity="overlap",
        schedule=schedule,
    )


def _unit(weights: torch.Tensor, *, normalised: bool) -> torch.Tensor:
    if not normalised:
        return weights
    return torch.nn.functional.normalize(weights, dim=-1, eps=torch.finfo(weights.dtype).tiny)
