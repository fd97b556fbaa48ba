"""A run made of checkpoints: a row for each, as if a recorder had looked at these steps."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from probes.checkpoints.checks import Comparison
from probes.checkpoints.sources import Checkpoint
from probes.checkpoints.weights import Weights, open_weights
from probes.directions import Directions
from probes.errors import LogError
from probes.launch.selection import beside
from probes.models import Parameters
from probes.quantities import Tap, as_tap
from probes.recording import Recorder

__all__ = ["import_checkpoints", "module_of"]

Shapes = Mapping[str, tuple[int, ...]]
Tapped = Directions | Tap
TapsOf = Callable[[nn.Module], Mapping[str, Tapped]]
_FEWEST = 2  # checkpoints that make a log


def import_checkpoints(
    checkpoints: Sequence[Checkpoint],
    path: str | Path,
    taps: Mapping[str, Tapped] | TapsOf,
    *,
    key: str = "",
    name: str = "",
    role: str = "",
    parents: Sequence[str] = (),
    overwrite: bool = False,
) -> tuple[str, ...]:
    """Return what is wrong with the checkpoints, a line each, once their run stands at ``path``.

    The lines are the run's reason, too. A checkpoint that cannot be read, or whose tensors are not those of most of
    them, is left out and named.

    Args:
        checkpoints: In the order of their steps, as `find_checkpoints` returns them.
        path: The run directory.
        taps: Parameter's name or glob -> directions or a `Tap`, or what returns that for a module with these
            parameters; where there are none, the norm of every weight is recorded.
        key: As of `open_weights`.
        name: As of the `Recorder`.
        role: As of the `Recorder`.
        parents: As of the `Recorder`.
        overwrite: As of the `Recorder`.

    Raises:
        LogError: fewer than two checkpoints can be read.
        UsageError: a tap chooses no parameter, or does not fit it.
        RunError: there is a run.

    Example:
        >>> from probes import Directions, open_log
        >>> for step in (0, 100):
        ...     torch.save({"weight": torch.eye(3) * (step + 1)}, f"step{step}.pt")
        >>> found = [Checkpoint(step, Path(f"step{step}.pt")) for step in (0, 100)]
        >>> import_checkpoints(found, "runs/seed-0", {"weight": Directions(torch.eye(3))})
        ()
        >>> open_log("runs/seed-0")["weight"][-1, 0].tolist()
        [101.0, 0.0, 0.0]
    """
    readable, notes = _readable(checkpoints, key)
    (first, weights), *others = readable
    chosen_taps = taps if isinstance(taps, Mapping) else taps(module_of(weights.shapes))
    names = _recorded(chosen_taps, weights.shapes)
    tensors = {name: weights[name] for name in names}
    model, comparison = module_of(weights.shapes, tensors), Comparison()
    recipe = {"checkpoints": [[one.step, str(one.path)] for one, _ in readable]}
    recorder = Recorder(
        path,
        cast(Mapping[Any, Tapped], chosen_taps),
        quantities=beside(_taps(chosen_taps, model), model),
        overwrite=overwrite,
        on_error=notes.append,
        name=name,
        role=role,
        parents=parents,
        recipe=recipe,
    )
    with recorder.attach(model, at=first.step):
        comparison.add(first.step, tensors, weights)
        for checkpoint, weights in others:
            try:
                tensors = {name: _same_shape(weights, name, model) for name in names}
            except LogError as error:
                notes.append(f"step {checkpoint.step} is left out: {error}")
                continue
            comparison.add(checkpoint.step, tensors, weights)
            _load(model, tensors)
            recorder.step(at=checkpoint.step)
        notes += comparison.notes()
        recorder.close("finished", "; ".join(notes))
    return tuple(notes)


def module_of(shapes: Shapes, tensors: Mapping[str, Tensor] | None = None) -> nn.Module:
    """Return a module with parameters of these names, whatever the model was that they come from.

    Args:
        shapes: Name -> shape.
        tensors: Values of those that the module shall have; default all, without values.

    Raises:
        LogError: a name is also the beginning of another, so that no module can have both.

    Example:
        >>> [name for name, _ in module_of({"conv1.weight": (3, 1, 5, 5), "head.bias": (2,)}).named_parameters()]
        ['conv1.weight', 'head.bias']
    """
    model = nn.Module()
    for name, shape in shapes.items():
        if tensors is not None and name not in tensors:
            continue
        value = torch.empty(shape, device="meta") if tensors is None else tensors[name].clone()
        *above, own = name.split(".")
        try:
            holder = reduce(_child, above, model)
            holder.register_parameter(own, nn.Parameter(value))
        except (AttributeError, KeyError) as error:
            raise LogError(f"expected names of parameters, got `{name}`: {error}") from error
    return model


def _child(module: nn.Module, name: str) -> nn.Module:
    if name not in module._modules:  # noqa: SLF001 - a module may have attributes of any name
        module.add_module(name, nn.Module())
    return module.get_submodule(name)


def _readable(checkpoints: Sequence[Checkpoint], key: str) -> tuple[list[tuple[Checkpoint, Weights]], list[str]]:
    """The checkpoints that hold what most of them do first, and a line for each that cannot be read."""
    readable, notes = [], []
    for checkpoint in checkpoints:
        try:
            readable.append((checkpoint, open_weights(checkpoint.path, key)))
        except LogError as error:
            notes.append(f"step {checkpoint.step} is left out: {error}")
    if len(readable) < _FEWEST:
        reason = f"; {notes[0]}" if notes else ""
        raise LogError(f"expected checkpoints of {_FEWEST} steps or more, got {len(readable)}{reason}")

    usual = Counter(_layout(weights) for _, weights in readable).most_common(1)[0][0]
    while _layout(readable[0][1]) != usual:  # what most have in common is what is recorded
        checkpoint, _ = readable.pop(0)
        notes.append(f"step {checkpoint.step} is left out: its tensors are not those of most others")
    return readable, notes


def _layout(weights: Weights) -> tuple[tuple[str, tuple[int, ...]], ...]:
    return tuple(sorted(weights.shapes.items()))


def _recorded(taps: Mapping[str, Tapped], shapes: Shapes) -> list[str]:
    """The names of what is looked at: all that a tap chooses, or every one."""
    parameters = Parameters(module_of(shapes))
    return list(dict.fromkeys(name for key in taps for name in parameters.matching(key))) or list(shapes)


def _taps(taps: Mapping[str, Tapped], model: nn.Module) -> dict[str, Tap]:
    parameters = Parameters(model)
    return {name: as_tap(tap) for key, tap in taps.items() for name in parameters.matching(key)}


def _same_shape(weights: Weights, name: str, model: nn.Module) -> Tensor:
    """A tensor, if it is of the shape that it has in other checkpoints."""
    expected, got = tuple(model.get_parameter(name).shape), weights.shapes.get(name)
    if got != expected:
        raise LogError(f"expected `{name}` of shape {expected}, as in most others, got {got or 'none'}")
    return weights[name]


def _load(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for name, tensor in tensors.items():
            model.get_parameter(name).copy_(tensor)
