"""Being called after every update of one optimizer or several, and leaving nothing behind."""

from collections.abc import Callable, Sequence, Set
from functools import partial

from torch.optim import Optimizer

from probes.recording.optimizers import identities
from probes.recording.watched import Strangers, Watched, at_the_end_of_backward, in_backward, nested_backward

__all__ = ["StepHook"]


class StepHook:
    """A callback after every update, from `attach` to `detach`; both may be called again and again.

    The optimizer's step hooks see real updates only: gradient accumulation, evaluation passes and compiled models do
    not disturb them, and a step that ``GradScaler`` leaves out is none. An update is over once everything has been done
    that belongs to it: the ``step`` of a subclass or of a wrapper that goes on with the weights
    (`probes.recording.wrappers`), and the step hooks of others, also those that are registered later.

    Several optimizers make one update together. It counts when each has stepped, optimizers of the same parameters
    being alternatives, or else as soon as it is certain that no more comes: before one that has stepped steps again,
    or, where optimizers step inside a backward pass, at the end of that pass if no gradient waits for the others.

    Args:
        optimizers: The optimizers, of torch or like them.
        callback: Called without arguments when an update counts: it shows the weights of the latest ``look`` at it, or
            else those of now.
        look: Called at the end of a step of several optimizers that may be the last of an update.
        trains: Identities of the parameters whose other optimizers count, too, once they step; default none.

    Raises:
        UsageError: one of them has no step hooks.

    Example:
        >>> import torch
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

    def __init__(
        self,
        optimizers: Sequence[Optimizer],
        callback: Callable[[], object],
        look: Callable[[], object] | None = None,
        trains: Callable[[], Set[int]] | None = None,
    ) -> None:
        self._callback, self._look, self._trains = callback, look, trains
        self._watched: tuple[Watched, ...] = ()
        self._missing: set[Watched] = set()  # those that have not stepped since the last update
        self._strangers = Strangers(self._met)
        self._attached = self._changed = self._looked = False  # a step since the last update had an effect, was seen
        self._updates = 0
        self._asked = -1  # the update at which the end of a backward pass is waited for
        self._deferred: list[Callable[[], object]] = []
        self.follow(optimizers)

    def follow(self, optimizers: Sequence[Optimizer]) -> None:
        """Count the updates of these optimizers from now on, and no longer those of others.

        Raises:
            UsageError: one of them has no step hooks.
        """
        distinct = {id(optimizer): optimizer for optimizer in optimizers}.values()
        begins, ended = (self._begins, self._ended) if len(distinct) > 1 else (None, self._only_ended)
        watched = tuple(Watched(optimizer, begins, ended, self._counts) for optimizer in distinct)
        for each in self._watched:
            each.detach()
        self.complete()
        self._watched, self._missing = watched, set(watched)
        self._rivals: dict[Watched, tuple[int, Set[Watched]]] = {}
        if self._attached:
            self.attach()

    def attach(self) -> None:
        """Call back after every update from now on."""
        self._attached = True
        for watched in self._watched:
            watched.attach()
        if self._trains is not None:
            self._strangers.attach()

    def detach(self) -> None:
        """Call back no more, and once now if several optimizers are in the middle of an update.

        Never from inside the callback: the optimizer walks its hooks at that moment.
        """
        self._attached = False
        self._strangers.detach()
        for watched in self._watched:
            watched.detach()
        self.complete()

    def complete(self) -> None:
        """Take the update that some of several optimizers have begun for complete, if there is one."""
        self._missing = set(self._watched)
        if self._changed:
            self._changed = self._looked = False
            self._updates += 1
            self._callback()
        self._catch_up()

    @property
    def begun(self) -> bool:
        """Whether some of several optimizers have stepped, but not all, so that the update may not be over."""
        return bool(self._deferred) or len(self._missing) < len(self._watched)

    def defer(self, action: Callable[[], object]) -> None:
        """Act as soon as it is certain to which update the coming step belongs: at once if none has been begun.

        When one of several optimizers has stepped and a loss is known, only the next step tells whether the loss is
        one of the same update or of the next.
        """
        self._deferred.append(action)
        if len(self._missing) == len(self._watched):
            self._catch_up()

    def _catch_up(self) -> None:
        while self._deferred:
            self._deferred.pop(0)()

    def _counts(self, optimizer: Optimizer) -> bool:
        """Whether the optimizer's own hooks tell of its updates, or will once it has stepped."""
        watched = any(each.watches(optimizer) for each in self._watched)
        return watched or (self._trains is not None and bool(self._trains() & identities(optimizer)))

    def _met(self, optimizer: Optimizer) -> bool:
        """Count the step of an optimizer that has not been known so far, if it trains what others here do."""
        if any(each.watches(optimizer) for each in self._watched):
            return True
        if self._trains is None or not self._trains() & identities(optimizer):
            return False
        stepped = [each for each in self._watched if each not in self._missing]
        self.follow([*(each.optimizer for each in self._watched), optimizer])
        self._missing -= set(stepped)
        self._watched[-1].ended(optimizer)
        return True

    def _begins(self, watched: Watched) -> None:
        if watched not in self._missing:
            self.complete()
        elif self._deferred:
            self._catch_up()

    def _only_ended(self, watched: Watched) -> None:
        """What `_ended` comes to where there is one optimizer, in fewer calls: each costs, after every update."""
        if not watched.skips:
            self._callback()

    def _ended(self, watched: Watched) -> None:
        self._missing -= self._rivals_of(watched)
        self._changed = self._changed or not watched.skips
        if not self._missing:
            self._seen(again=True)
            self.complete()
        elif not in_backward():
            self._seen()
        elif self._asked != self._updates:
            self._asked = self._updates
            at_the_end_of_backward(partial(self._backward_ended, self._updates))

    def _rivals_of(self, watched: Watched) -> Set[Watched]:
        """The optimizer and those of the same parameters, found anew when it gets further ones."""
        size, rivals = self._rivals.get(watched, (-1, frozenset()))
        if size != watched.size:
            rivals = frozenset(each for each in self._watched if each.rivals(watched))
            self._rivals[watched] = (watched.size, rivals)
        return rivals

    def _seen(self, *, again: bool = False) -> None:
        """Have the weights looked at, ``again`` only if they have been in this update."""
        if self._look is not None and self._changed and (self._looked or not again):
            self._looked = True
            self._look()

    def _backward_ended(self, update: int) -> None:
        """Complete the update, unless that has happened, optimizers wait to step, or the pass is part of another."""
        if update == self._updates:
            self._asked = -1
            if nested_backward():
                return
            self._seen()
            if not any(watched.waits for watched in self._missing):
                self.complete()
