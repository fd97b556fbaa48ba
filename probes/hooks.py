"""Being told of every update of an optimizer, and leaving nothing behind."""

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch.utils.hooks import RemovableHandle

__all__ = ["StepHook"]


class StepHook:
    """A callback after every update of one optimizer, from `attach` to `detach`; both may be called again and again.

    The optimizer's step hooks see real updates only: gradient accumulation, evaluation passes and compiled models do
    not disturb them, and a step that ``GradScaler`` leaves out never happens. Where the ``step`` of a subclass calls
    that of its parent, torch fires for both; the callback comes once, when the outer one is done.

    Example:
        >>> weight = torch.nn.Parameter(torch.ones(2))
        >>> optimizer = torch.optim.SGD([weight], lr=0.1)
        >>> updates = []
        >>> hook = StepHook(optimizer, lambda: updates.append(len(updates) + 1))
        >>> hook.attach()
        >>> optimizer.step()
        >>> hook.detach()
        >>> optimizer.step()
        >>> updates
        [1]
    """

    def __init__(self, optimizer: torch.optim.Optimizer, callback: Callable[[], object]) -> None:
        self._optimizer = optimizer
        self._callback = callback
        self._handles: list[RemovableHandle] = []
        self._depth = 0  # of calls of `step` that have begun and not ended

    def attach(self) -> None:
        """Call back after every update from now on."""
        if not self._handles:
            self._handles = [
                self._optimizer.register_step_pre_hook(self._begins),
                self._optimizer.register_step_post_hook(self._ended),
            ]

    def detach(self) -> None:
        """Call back no more. Never from inside the callback: the optimizer walks its hooks at that moment."""
        while self._handles:
            self._handles.pop().remove()
        self._depth = 0

    def _begins(self, optimizer: torch.optim.Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._depth and not _is_stepping(optimizer):
            self._depth = 0  # the step before ended in an exception
        self._depth += 1

    def _ended(self, optimizer: torch.optim.Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._callback()


def _is_stepping(optimizer: torch.optim.Optimizer) -> bool:
    """Whether a `step` of the optimizer's is being executed further up the stack."""
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_code.co_name == "step" and frame.f_locals.get("self") is optimizer:
            return True
        frame = frame.f_back
    return False
