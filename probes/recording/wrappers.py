"""When an optimizer's step is really over: what calls it, and goes on with the weights afterwards.

An optimizer may step inside the method of another, such as Lookahead, a schedule-free wrapper, or the half of SAM that
updates. The weights are those after the update only when that method has returned.
"""

import inspect
import sys
from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any

import torch
from torch.optim import Optimizer

__all__ = ["TRANSPARENT", "after", "calls", "hooked", "wrapper_of"]

# Of Accelerate, Lightning and Lightning Fabric: they do nothing to the weights.
TRANSPARENT = frozenset({"AcceleratedOptimizer", "LightningOptimizer", "_FabricOptimizer"})

_HOOKED = Optimizer.profile_hook_step(lambda: None).__code__  # what torch makes of every `step`, and calls hooks in
_RESUMED = f"torch_dynamo_resume_in_{_HOOKED.co_name}_at_"


def calls(frame: FrameType | None) -> Iterator[FrameType]:
    """The calls that are being executed, from ``frame`` outwards.

    Example:
        >>> next(calls(sys._getframe())).f_code.co_name
        '<module>'
    """
    while frame is not None:
        yield frame
        frame = frame.f_back


def hooked(frame: FrameType) -> FrameType | None:
    """The innermost `step` of torch's that is being executed, which calls its hooks at its end.

    Example:
        >>> hooked(sys._getframe()) is None
        True
    """
    found = next((each for each in calls(frame) if _is_hooked(each.f_code)), None)
    while found is not None and found.f_code.co_name.startswith(_RESUMED) and found.f_back is not None:
        found = found.f_back  # what is compiled calls the rest of a function from within it
    return found


def wrapper_of(
    caller: FrameType | None, optimizer: Optimizer, counts: Callable[[Optimizer], bool]
) -> FrameType | Optimizer | None:
    """What an optimizer's `step` is part of: the outermost call of a wrapper's method, or an optimizer that counts.

    A wrapper is an optimizer, or holds this one and steps it, and is neither a model nor holds one.

    Args:
        caller: What has called `step`.
        optimizer: The optimizer.
        counts: Whether the hooks of another optimizer tell of the update.

    Example:
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(2))])
        >>> wrapper_of(sys._getframe(), optimizer, lambda other: False) is None
        True
    """
    outermost: FrameType | None = None
    for frame in calls(caller):
        if _is_hooked(frame.f_code):
            outer = frame.f_locals.get("self", next(iter(frame.f_locals.get("args", ())), None))
            if isinstance(outer, Optimizer) and counts(outer):
                return outer
        elif _is_wrapper(frame, optimizer):
            outermost = frame
    return outermost


def after(frame: FrameType, act: Callable[[], object]) -> None:
    """Act when a call returns that is being executed; what profiles this thread misses the rest of the call.

    Example:
        >>> seen = []
        >>> def call():
        ...     after(sys._getframe(), lambda: seen.append("over"))
        ...     seen.append("in it")
        >>> call()
        >>> seen
        ['in it', 'over']
    """
    before = sys.getprofile()

    def watch(current: FrameType, event: str, _: object) -> None:
        if current is frame and event == "return":
            sys.setprofile(None)
            _profile_again(before)
            act()

    sys.setprofile(watch)


def _profile_again(before: Any) -> None:
    if hasattr(before, "enable"):  # of cProfile, which cannot be set as it was found
        before.enable()
    elif before is not None:
        sys.setprofile(before)


def _is_hooked(code: CodeType) -> bool:
    """Whether it is torch's function around every `step`, or what the compiler makes of it."""
    if code is _HOOKED:
        return True
    compiled = code.co_name == _HOOKED.co_name or code.co_name.startswith(_RESUMED)
    return compiled and code.co_filename == _HOOKED.co_filename


def _is_wrapper(frame: FrameType, optimizer: Optimizer) -> bool:
    code = frame.f_code
    if not code.co_argcount:
        return False
    name = code.co_varnames[0]
    if "step" not in code.co_name and name != "self":
        return False
    owner = frame.f_locals.get(name)
    if owner is None or not TRANSPARENT.isdisjoint(kind.__name__ for kind in type(owner).__mro__):
        return False
    if owner is optimizer or isinstance(owner, Optimizer):
        return _is_method(owner, code)
    return "step" in code.co_name and hasattr(owner, "step") and _holds(owner, optimizer) and _is_method(owner, code)


def _is_method(owner: object, code: CodeType) -> bool:
    """Whether a function is a method of the owner's class, decorated or not, or was put in the place of its `step`."""
    own = vars(owner).get("step") if hasattr(owner, "__dict__") else None
    methods = [own, *(vars(kind).get(code.co_name) for kind in type(owner).__mro__)]
    return any(getattr(inspect.unwrap(method), "__code__", None) is code for method in methods if callable(method))


def _holds(owner: object, optimizer: Optimizer) -> bool:
    """Whether an object has the optimizer among its attributes, and no model."""
    if isinstance(owner, torch.nn.Module) or not hasattr(owner, "__dict__"):
        return False
    held: list[object] = []
    for value in vars(owner).values():
        held += value if isinstance(value, list | tuple) else value.values() if isinstance(value, dict) else [value]
    return any(each is optimizer for each in held) and not any(isinstance(each, torch.nn.Module) for each in held)
