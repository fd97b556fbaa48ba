"""Being told of every update of one optimizer or several, and leaving nothing behind."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import FrameType
from typing import Any, Self

import torch
from torch.autograd.function import BackwardCFunction
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from probes.errors import UsageError

__all__ = ["StepHook"]

# What torch says where a whole graph is asked for; older versions cannot say it.
_REASON = "a Recorder reads the weights after each update; compile `step` without `fullgraph=True`"
_WHY = {"reason": _REASON} if "reason" in inspect.signature(torch.compiler.disable).parameters else {}


class StepHook:
    """A callback after every update, from `attach` to `detach`; both may be called again and again.

    The optimizer's step hooks see real updates only: gradient accumulation, evaluation passes and compiled models do
    not disturb them, and a step that ``GradScaler`` leaves out is none. Where the ``step`` of a subclass calls that of
    its parent, torch fires for both; the callback comes once, when the outer one is done.

    Several optimizers make one update together. It is complete when each has stepped, or else as soon as it is certain
    that no more comes: before one that has stepped steps again, or, where optimizers step inside a backward pass, at
    the end of that pass if no gradient waits for the others.

    Args:
        optimizers: The optimizers, of torch or like them.
        callback: Called without arguments while the weights are those after the update.

    Raises:
        UsageError: one of them has no step hooks.

    Example:
        >>> weight = torch.nn.Parameter(torch.ones(2))
        >>> optimizer = torch.optim.SGD([weight], lr=0.1)
        >>> updates = []
        >>> hook = StepHook([optimizer], lambda: updates.append(len(updates) + 1))
        >>> hook.attach()
        >>> optimizer.step()
        >>> hook.detach()
        >>> optimizer.step()
        >>> updates
        [1]
    """

    def __init__(self, optimizers: Sequence[Optimizer], callback: Callable[[], object]) -> None:
        distinct = {id(optimizer): optimizer for optimizer in optimizers}.values()
        begins, ended = (self._begins, self._ended) if len(distinct) > 1 else (None, self._only_ended)
        self._watched = tuple(_Watched(optimizer, begins, ended) for optimizer in distinct)
        self._callback = callback
        self._stepped: set[_Watched] = set()  # since the last update, with an effect or without
        self._changed = False  # whether one of these steps had an effect
        self._updates = 0
        self._asked = -1  # the update at which the end of a backward pass is waited for
        self._deferred: list[Callable[[], object]] = []

    def attach(self) -> None:
        """Call back after every update from now on."""
        for watched in self._watched:
            watched.attach()

    def detach(self) -> None:
        """Call back no more, and once now if several optimizers are in the middle of an update.

        Never from inside the callback: the optimizer walks its hooks at that moment.
        """
        for watched in self._watched:
            watched.detach()
        self.complete()

    def complete(self) -> None:
        """Take the update that some of several optimizers have begun for complete, if there is one."""
        self._stepped.clear()
        if self._changed:
            self._changed = False
            self._updates += 1
            self._callback()
        if self._deferred:
            self._catch_up()

    def defer(self, action: Callable[[], object]) -> None:
        """Act as soon as it is certain to which update the coming step belongs: at once if none has been begun.

        When one of several optimizers has stepped and a loss is known, only the next step tells whether the loss is
        one of the same update or of the next.
        """
        self._deferred.append(action)
        if not self._stepped:
            self._catch_up()

    def _catch_up(self) -> None:
        while self._deferred:
            self._deferred.pop(0)()

    def _begins(self, watched: "_Watched") -> None:
        if watched in self._stepped:
            self.complete()
        elif self._deferred:
            self._catch_up()

    def _only_ended(self, watched: "_Watched") -> None:
        """What `_ended` comes to where there is one optimizer, in fewer calls: each costs, after every update."""
        if not watched.skips:
            self._callback()

    def _ended(self, watched: "_Watched") -> None:
        self._stepped.add(watched)
        self._changed = self._changed or not watched.skips
        if len(self._stepped) == len(self._watched):
            self.complete()
        elif self._asked != self._updates and _in_backward():
            self._asked = self._updates
            _at_the_end_of_backward(partial(self._backward_ended, self._updates))

    def _backward_ended(self, update: int) -> None:
        """Complete the update, unless that has happened, optimizers wait to step, or the pass is part of another."""
        if update == self._updates:
            self._asked = -1
            if not any(watched.waits for watched in self._watched if watched not in self._stepped) and not _nested():
                self.complete()


class _Watched:
    """One optimizer, and who is told when its outermost `step` begins, if anyone, and when it has ended."""

    def __init__(
        self, optimizer: Optimizer, begins: Callable[["_Watched"], object] | None, ended: Callable[["_Watched"], object]
    ) -> None:
        self._optimizer = optimizer
        self._tell_begins, self._tell_ended = begins, ended
        self._handles: list[RemovableHandle] = []
        self._nests = sum("step" in vars(kind) for kind in type(optimizer).__mro__ if kind is not Optimizer) > 1
        self._depth = 0  # of calls of `step` that have begun and not ended, where one can call another
        self.attach()  # an optimizer that cannot be watched is refused at once
        self.detach()

    @property
    def skips(self) -> bool:
        """Whether the step is one that ``GradScaler`` has a fused optimizer make without an effect.

        Only then is there anything to ask a device for: for all other optimizers ``GradScaler`` asks itself.
        """
        found = getattr(self._optimizer, "found_inf", None)
        return found is not None and bool(found)

    @property
    def waits(self) -> bool:
        """Whether it has gradients to step with."""
        return any(
            parameter.grad is not None for group in self._optimizer.param_groups for parameter in group["params"]
        )

    def attach(self) -> None:
        if self._handles:
            return
        try:
            if self._nests or self._tell_begins:  # or nobody needs to know, and every call costs
                self._handles.append(self._optimizer.register_step_pre_hook(_Hook(self._begins)))
            self._handles.append(self._optimizer.register_step_post_hook(_Hook(self._ended)))
        except AttributeError as error:
            self.detach()
            raise UsageError(
                f"expected an optimizer with step hooks, as torch.optim.Optimizer has, got {_named(self._optimizer)}; "
                "give the optimizer inside it, or none and call `step` after every update"
            ) from error

    def detach(self) -> None:
        while self._handles:
            self._handles.pop().remove()
        self._depth = 0

    def _begins(self, optimizer: Optimizer) -> None:
        if self._depth and not _is_stepping(optimizer):
            self._depth = 0  # the step before ended in an exception
        self._depth += self._nests
        if self._depth <= 1 and self._tell_begins:
            self._tell_begins(self)

    def _ended(self, optimizer: Optimizer) -> None:
        self._depth -= self._nests
        if self._depth == 0:
            self._tell_ended(self)


class _Hook:
    """What an optimizer keeps: never compiled into a training step, and without effect in a copy of the optimizer."""

    def __init__(self, told: Callable[[Optimizer], object]) -> None:
        self._told = told
        self._told_by_compiled = torch.compiler.disable(told, **_WHY)

    def __call__(self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if torch.compiler.is_dynamo_compiling():
            self._told_by_compiled(optimizer)
        else:
            self._told(optimizer)

    def __reduce__(self) -> tuple[type[Self], tuple[Callable[[Optimizer], object]]]:
        return type(self), (_ignore,)


def _ignore(optimizer: Optimizer) -> None:
    """Nothing: the optimizer is the copy of another."""


def _stack() -> Iterator[FrameType]:
    """The calls that are being executed, innermost first."""
    frame = inspect.currentframe()
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_stepping(optimizer: Optimizer) -> bool:
    """Whether the hook of a `step` of the optimizer's is called from within another one."""
    own = (frame.f_code for frame in _stack() if frame.f_locals.get("self") is optimizer)
    caller = next(own, None)
    return any(code is caller for code in own)


def _nested() -> bool:
    """Whether a backward pass is part of another, as in a checkpointed segment that is computed again."""
    return any(frame.f_code is BackwardCFunction.apply.__code__ for frame in _stack())


def _in_backward() -> bool:
    return torch._C._current_graph_task_id() != -1  # noqa: SLF001 - torch has no public name for it


def _at_the_end_of_backward(callback: Callable[[], None]) -> None:
    torch.autograd.Variable._execution_engine.queue_callback(callback)  # noqa: SLF001 - as data parallelism does


def _named(thing: object) -> str:
    return f"{type(thing).__module__}.{type(thing).__qualname__}"
