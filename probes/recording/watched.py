"""One optimizer whose steps are noticed, and those that nobody has named."""

import inspect
import sys
import weakref
from collections.abc import Callable
from functools import partial
from types import CodeType, FrameType
from typing import Any, Self

import torch
from torch.autograd.function import BackwardCFunction
from torch.optim import Optimizer
from torch.optim import optimizer as torch_optimizer
from torch.utils.hooks import RemovableHandle

from probes.errors import UsageError
from probes.recording.optimizers import identities
from probes.recording.wrappers import after, calls, hooked, wrapper_of

__all__ = ["Strangers", "Watched", "at_the_end_of_backward", "in_backward", "nested_backward"]

# What torch says where a whole graph is asked for; older versions cannot say it.
_REASON = "a Recorder reads the weights after each update; compile `step` without `fullgraph=True`"
_WHY = {"reason": _REASON} if "reason" in inspect.signature(torch.compiler.disable).parameters else {}
_MOST_CALLERS = 64


class Watched:
    """One optimizer, and who is called when its `step` begins, if anyone, and when all that belongs to it is over.

    Args:
        optimizer: The optimizer.
        begins: Called when its step begins.
        ended: Called when its step is over.
        counts: Whether the hooks of another optimizer, of whose step this one's is a part, tell of the update.

    Raises:
        UsageError: it has no step hooks.

    Example:
        >>> optimizer, seen = torch.optim.SGD([torch.nn.Parameter(torch.ones(2))]), []
        >>> watched = Watched(optimizer, None, seen.append, lambda other: False)
        >>> watched.attach()
        >>> optimizer.step()
        >>> seen == [watched]
        True
    """

    def __init__(
        self,
        optimizer: Optimizer,
        begins: Callable[["Watched"], object] | None,
        ended: Callable[["Watched"], object],
        counts: Callable[[Optimizer], bool],
    ) -> None:
        self.optimizer = optimizer
        self._tell_begins, self._tell_ended, self._counts = begins, ended, counts
        self._handles: list[RemovableHandle] = []
        self._hook = _Hook(self.ended)
        self._plain: set[CodeType] = set()  # that has called `step` and is no wrapper
        self.attach()  # an optimizer that cannot be watched is refused at once
        self.detach()

    @property
    def skips(self) -> bool:
        """Whether the step is one that ``GradScaler`` has a fused optimizer make without an effect.

        Only then is there anything to ask a device for: for all other optimizers ``GradScaler`` asks itself.
        """
        found = getattr(self.optimizer, "found_inf", None)
        return found is not None and bool(found)

    @property
    def waits(self) -> bool:
        """Whether it has gradients to step with."""
        return any(parameter.grad is not None for group in self.optimizer.param_groups for parameter in group["params"])

    @property
    def size(self) -> int:
        """How many parameters it has."""
        return sum(len(group["params"]) for group in self.optimizer.param_groups)

    def watches(self, optimizer: Optimizer) -> bool:
        """Whether the hooks are on this optimizer."""
        own = getattr(optimizer, "_optimizer_step_post_hooks", {})
        return any(hook is self._hook for hook in own.values())

    def rivals(self, other: "Watched") -> bool:
        """Whether it trains some of the same parameters, or is the same."""
        return self is other or not identities(self.optimizer).isdisjoint(identities(other.optimizer))

    def attach(self) -> None:
        """Notice its steps from now on."""
        if self._handles:
            return
        try:
            if self._tell_begins:  # or nobody needs to know, and every call costs
                self._handles.append(self.optimizer.register_step_pre_hook(_Hook(self._begins)))
            self._handles.append(self.optimizer.register_step_post_hook(self._hook))
        except AttributeError as error:
            self.detach()
            raise UsageError(
                f"expected an optimizer with step hooks, as torch.optim.Optimizer has, got {_named(self.optimizer)}; "
                "give the optimizer inside it, whose updates are read when the step around it is over, or none and "
                "call `step` after every update"
            ) from error

    def detach(self) -> None:
        """Notice them no more."""
        while self._handles:
            self._handles.pop().remove()

    def ended(self, optimizer: Optimizer) -> None:
        """Tell that the step is over, at once or when that is the case."""
        step = hooked(sys._getframe())  # noqa: SLF001 - `inspect.currentframe` without a check
        if step is None:  # it is compiled
            self._tell_ended(self)
            return
        caller = step.f_back
        around: FrameType | Optimizer | None = None
        if caller is not None and caller.f_code not in self._plain:
            around = wrapper_of(caller, optimizer, self._counts)
            if around is None and len(self._plain) < _MOST_CALLERS:
                self._plain.add(caller.f_code)
        if isinstance(around, FrameType):
            after(around, partial(self._over, optimizer))
        elif around is None and self._is_last(optimizer):
            self._tell_ended(self)
        elif around is None:
            after(step, partial(self._over, optimizer))

    def _over(self, optimizer: Optimizer) -> None:
        if self._handles:
            optimizer._optimizer_step_post_hooks.move_to_end(self._handles[-1].id)  # type: ignore[attr-defined] # noqa: SLF001 - torch has no public name
            self._tell_ended(self)

    def _is_last(self, optimizer: Optimizer) -> bool:
        """Whether no hook of others follows."""
        for hook in reversed(optimizer._optimizer_step_post_hooks.values()):  # noqa: SLF001 - likewise
            if hook is self._hook:
                break
            if type(hook) is not _Hook:
                return False
        return all(type(hook) is _Hook for hook in torch_optimizer._global_optimizer_post_hooks.values())  # noqa: SLF001 - likewise

    def _begins(self, optimizer: Optimizer) -> None:
        if self._tell_begins:
            self._tell_begins(self)


class Strangers:
    """Notices the steps of all optimizers that there are.

    Args:
        met: Called at the end of a step; an optimizer for which it returns False is not asked about again.

    Example:
        >>> seen = []
        >>> strangers = Strangers(lambda optimizer: seen.append(optimizer) or True)
        >>> strangers.attach()
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(2))])
        >>> optimizer.step()
        >>> strangers.detach()
        >>> seen == [optimizer]
        True
    """

    def __init__(self, met: Callable[[Optimizer], bool]) -> None:
        self._met = met
        self._foreign: weakref.WeakSet[Optimizer] = weakref.WeakSet()
        self._handle: RemovableHandle | None = None

    def attach(self) -> None:
        """Notice them from now on, as long as somebody holds this: torch's registry of hooks does not."""
        if self._handle is not None:
            return
        this = weakref.ref(self)

        def ended(optimizer: Optimizer) -> None:
            strangers = this()
            if strangers is not None:
                strangers.ended(optimizer)

        self._handle = torch_optimizer.register_optimizer_step_post_hook(_Hook(ended))
        weakref.finalize(self, self._handle.remove)

    def detach(self) -> None:
        """Notice them no more."""
        if self._handle is not None:
            self._handle.remove()
            self._handle = None

    def ended(self, optimizer: Optimizer) -> None:
        """Ask about an optimizer whose step is over."""
        if optimizer not in self._foreign and not self._met(optimizer):
            self._foreign.add(optimizer)


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


def nested_backward() -> bool:
    """Whether a backward pass is part of another, as in a checkpointed segment that is computed again.

    Example:
        >>> nested_backward()
        False
    """
    frame = inspect.currentframe()
    return any(each.f_code is BackwardCFunction.apply.__code__ for each in calls(frame))


def in_backward() -> bool:
    """Whether a backward pass is being executed.

    Example:
        >>> in_backward()
        False
    """
    return torch._C._current_graph_task_id() != -1  # noqa: SLF001 - torch has no public name for it


def at_the_end_of_backward(callback: Callable[[], None]) -> None:
    """Call back at the end of the backward pass that is being executed; a RuntimeError where none is.

    Example:
        >>> weight = torch.ones(1, requires_grad=True)
        >>> _ = weight.register_hook(lambda _: at_the_end_of_backward(lambda: print("over")))
        >>> weight.sum().backward()
        over
    """
    torch.autograd.Variable._execution_engine.queue_callback(callback)  # noqa: SLF001 - as data parallelism does


def _named(thing: object) -> str:
    return f"{type(thing).__module__}.{type(thing).__qualname__}"
