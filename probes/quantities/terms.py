"""Which part of the loss moved a neuron where: an update of plain SGD, split into the terms of its loss."""

from collections.abc import Mapping, Sequence

import torch

from probes.directions import Directions
from probes.errors import UsageError
from probes.models.parameters import Parameters
from probes.quantities.contract.quantity import Quantity
from probes.quantities.contract.state import State
from probes.quantities.taps.tap import Tap, as_tap

__all__ = ["update_terms"]

WEIGHT_DECAY = "weight_decay"


def update_terms(
    name: str, directions: Directions | Tap, *, terms: Sequence[str], optimizer: torch.optim.SGD
) -> Quantity:
    r"""The quantity :math:`-\eta \langle \nabla_{w_{i,r}} L_a, v_{j,\ell} \rangle` for every term a of the loss.

    The series is called ``<name>.update``, with an axis ``term`` first: the given ones, then ``weight_decay``,
    :math:`-\eta \lambda \langle w_{i,r}, v_{j,\ell} \rangle`. At step t they add up to what update t moved the
    correlation, exactly but for rounding; at step 0 they are 0. Pass the terms to `Recorder.split` before the
    backward pass, with the weights that the loss gives them::

        recorder.split(cross_entropy=loss_1, distillation=0.5 * loss_2)
        (loss_1 + 0.5 * loss_2).backward()

    which costs one more backward pass to the parameter for each term, at recorded steps alone.

    Args:
        name: The parameter's name.
        directions: Directions in its input space, or a `Tap` that says how the parameter is laid out.
        terms: Names of the terms.
        optimizer: The optimizer of the parameter: SGD without momentum, for which alone the split is exact.

    Raises:
        UsageError: the optimizer is another, or (when measured) no terms, or others, were passed before the update.

    Example:
        >>> from probes import Recorder
        >>> model = torch.nn.Linear(2, 1)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.01)
        >>> axes = Directions(torch.eye(2))
        >>> split = update_terms("weight", axes, terms=["fit", "size"], optimizer=optimizer)
        >>> with Recorder("runs/seed-0", {"weight": axes}, quantities=[split]).attach(model, optimizer) as recorder:
        ...     fit, size = model(torch.ones(1, 2)).sum(), model.weight.square().sum()
        ...     recorder.split(fit=fit, size=size)
        ...     (fit + size).backward()
        ...     optimizer.step()
        >>> from probes.log import open_log
        >>> open_log("runs/seed-0")["weight.update"].dims
        ('step', 'term', 'neuron', 'feature')
    """
    tap, labels = as_tap(directions), (*terms, WEIGHT_DECAY)
    _check_plain(optimizer)
    gathered: dict[str, torch.Tensor] = {}
    shown: dict[int, torch.Tensor] = {}  # the latest step, which may be looked at again

    def split(losses: Mapping[str, torch.Tensor], state: State) -> None:
        if losses.keys() != set(terms):
            raise UsageError(f"expected the terms {', '.join(terms)} of `{name}.update`, got {', '.join(losses)}")
        leaf, group = _leaf(state, name), _group(optimizer, _leaf(state, name), name)
        for term, loss in losses.items():
            (pull,) = torch.autograd.grad(loss, [leaf], retain_graph=True, allow_unused=True)
            moved = -float(group["lr"]) * tap.project(torch.zeros_like(leaf) if pull is None else pull, name)
            gathered[term] = gathered.get(term, 0) + moved  # several backward passes may lead to one update
        gathered[WEIGHT_DECAY] = -float(group["lr"]) * group["weight_decay"] * tap.project(leaf.detach(), name)

    def measure(state: State) -> torch.Tensor:
        if state.step == 0:
            nothing = tap.project(torch.zeros_like(state.parameters[name]), name)
            return torch.stack([nothing] * len(labels))
        if not gathered and state.step in shown:
            return shown[state.step]
        if not gathered:
            raise UsageError(
                f"expected `recorder.split({', '.join(f'{term}=...' for term in terms)})` before the update"
            )
        values = torch.stack([gathered[term] for term in labels])
        gathered.clear()
        shown.clear()
        return shown.setdefault(state.step, values)

    quantity = tap.declared(f"{name}.update{tap.suffix}", measure, quantity="update_term")
    return Quantity(
        quantity.name,
        ("term", *quantity.dims),
        measure,
        labels={"term": labels, **quantity.labels},
        directions=quantity.directions,
        quantity=quantity.quantity,
        split=split,
    )


def _check_plain(optimizer: torch.optim.Optimizer) -> None:
    if type(optimizer) is not torch.optim.SGD:
        raise UsageError(f"expected plain SGD, whose update is a sum over terms, got {type(optimizer).__name__}")
    for group in optimizer.param_groups:
        if group["momentum"] or group["maximize"]:
            raise UsageError("expected SGD without momentum and maximize, got one with; its update mixes several steps")


def _leaf(state: State, name: str) -> torch.Tensor:
    if not isinstance(state.parameters, Parameters):
        raise UsageError(f"expected the parameters of a model to split the update of `{name}`, got plain tensors")
    return state.parameters.leaf(name)


def _group(optimizer: torch.optim.Optimizer, leaf: torch.Tensor, name: str) -> dict[str, float]:
    for group in optimizer.param_groups:
        if any(parameter is leaf for parameter in group["params"]):
            return group
    raise UsageError(f"expected an optimizer of `{name}`, got one of other parameters")
