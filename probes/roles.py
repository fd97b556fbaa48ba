"""What a training script states of its models: role, name and parents of the runs that `probes record` makes of them.

Nothing heavy is imported, and nothing happens in a script that runs without the recorder.
"""

import re
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

__all__ = ["RUN_ID", "Description", "description_of", "descriptions", "role"]

Model = TypeVar("Model")

RUN_ID = re.compile(r"(?!\.\.?$)[A-Za-z0-9._-]+")  # as in `probes.log.layout`, which loads numpy


@dataclass
class Description:
    """What is known of a model besides its weights; the model itself is not kept alive by it.

    Example:
        >>> Description("Net").run_id
        ''
    """

    kind: str  # name of the model's class
    role: str = ""
    name: str = ""
    parents: tuple["Description | str", ...] = ()  # models of the script, or ids of runs
    stated: bool = False  # by the script; a model that is a parent only has no statement of its own
    run_id: str = ""  # once it is recorded
    say: Callable[[str], object] | None = None  # writes a line for the user, once it is recorded


_descriptions: "weakref.WeakKeyDictionary[Any, Description]" = weakref.WeakKeyDictionary()


def role(model: Model, role: str = "", *, name: str = "", parents: Iterable[Any] = ()) -> Model:
    """Return the model, after stating what `probes record` writes with its run; without the recorder no more happens.

    Call it before the model's first update.

    Args:
        model: A ``torch.nn.Module``. It becomes a run of its own, also where a larger module holds it.
        role: What the run is for, free text, such as "teacher" or "student".
        name: The run's name, letters, digits, ``.``, ``_`` and ``-``; default the model's class and a number.
        parents: The models that this one learns from, or ids of recorded runs.

    Raises:
        TypeError: the model, or a parent, is no module, or ``parents`` is not a sequence of them.
        ValueError: ``name``, or the id of a parent, cannot be a run's id.

    Example:
        >>> import torch
        >>> teacher = role(torch.nn.Linear(4, 3), "teacher", name="teacher-0")
        >>> student = role(torch.nn.Linear(4, 3), "student", name="student-0", parents=[teacher])
    """
    if isinstance(parents, str) or _is_module(parents):
        raise TypeError(f"expected `parents` as a list of models or run ids, got one {type(parents).__name__}")
    if name and not RUN_ID.fullmatch(name):
        raise ValueError(f"expected `name` of letters, digits, `.`, `_` and `-`, got {name!r}")

    known, described = tuple(map(_parent, parents)), description_of(model)
    if described.run_id and described.say is not None:
        described.say(f"{described.run_id}: `probes.role` has no effect after the first update of the model")
        return model
    described.role, described.name, described.parents, described.stated = role, name, known, True
    return model


def description_of(model: Any) -> Description:
    """The description of a model, an empty one where the script has stated nothing of it.

    Raises:
        TypeError: it is no module.

    Example:
        >>> import torch
        >>> description_of(role(torch.nn.Linear(4, 3), "teacher")).role
        'teacher'
    """
    if not _is_module(model):
        raise TypeError(f"expected a torch.nn.Module, got {type(model).__name__}")
    return _descriptions.setdefault(model, Description(type(model).__name__))


def descriptions() -> list[tuple[Any, Description]]:
    """All living models that were described, in order, with their descriptions.

    Example:
        >>> import torch
        >>> teacher = role(torch.nn.Linear(4, 3), "teacher")
        >>> [described.role for model, described in descriptions() if model is teacher]
        ['teacher']
    """
    return list(_descriptions.items())


def _parent(thing: Any) -> Description | str:
    if not isinstance(thing, str):
        return description_of(thing)
    if not RUN_ID.fullmatch(thing):
        raise ValueError(f"expected in `parents` ids of letters, digits, `.`, `_` and `-`, got {thing!r}")
    return thing


def _is_module(thing: Any) -> bool:
    # As torch's own would be known, without loading it.
    return not isinstance(thing, type) and callable(getattr(thing, "named_parameters", None))
