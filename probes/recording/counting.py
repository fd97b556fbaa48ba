"""What a recorder does at each update, whoever counts it."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from probes.errors import UsageError
from probes.measuring import Pending, refuse_capture
from probes.recording.faults import Faults
from probes.recording.hooks import StepHook
from probes.recording.looks import Looks
from probes.recording.recording import Recording, as_numbers

__all__ = ["UNSEEN", "Counting"]

UNSEEN = "no update was seen; give `attach` the optimizer, or call `step` after every update"
_CHANGED = (
    "the weights at the end are not those after the last update that was counted, {}: others were loaded, or trained "
    "in a way that calls no step hooks; `step` counts such updates"
)


class Counting:
    """The half of a recorder that counts updates and writes what is seen at them; `probes.Recorder` is the other.

    Example:
        >>> from probes.recording.recorder import Recorder
        >>> issubclass(Recorder, Counting)
        True
    """

    path: Path
    updates: int  # seen so far; the current step
    _faults: Faults
    _recording: Recording
    _looks: Looks  # once attached, likewise the next three
    _pending: Pending
    _model: torch.nn.Module | None
    _hook: StepHook | None
    _seen: bool  # the weights after the coming update, by `look`
    _remembered: Mapping[str, Any] | None  # what the quantities remember, of the state that was loaded
    _ended: Mapping[str, Any]  # series that had ended by then: shape and reason
    _waits: bool  # with opening the log, for `load_state_dict` or the first update

    def look(self) -> None:
        """Take the weights as they are now for those after the coming update, for when `step` counts it.

        For a loop that finds out late whether an update was one; a later look takes the place of an earlier one.

        Raises:
            UsageError: the recorder is not attached.
        """
        self._check_attached()
        if (self._waits or self._pending.lanes) and not self._begun():
            return
        if self._recording.live or self._looks.parameters.sharded:
            self._faults.attempt(self.updates + 1, "a step", self._looks.take, self.updates + 1)
            self._seen = True

    def _note(self, scalars: Mapping[str, float | torch.Tensor], step: int | None) -> None:
        log, numbers = self._recording.log, as_numbers(scalars)
        if step is not None:
            log(step, numbers)
        elif self._hook is None or not self._hook.begun:
            log(self.updates, numbers)
        else:  # of several optimizers' updates only the next step tells to which of them a loss belongs
            self._hook.defer(lambda: self._faults.attempt(self.updates, "a scalar", log, self.updates, numbers))

    def _trained(self) -> set[int]:
        return self._looks.trained()

    def _check_attached(self) -> None:
        if self._model is None:
            raise UsageError(f"expected `{self.path}` to be attached; call `attach(model, optimizer)` first")

    def _open(self) -> None:
        """Open the log and write what waits: step 0, unless the run goes on from a later one, which is in it."""
        if self._recording.resumed:
            self._pending.taken()
            self._remember()
        self._recording.open(self._looks.finite, first=self.updates)
        self._recording.write()

    def _remember(self) -> None:
        """Have the quantities go on as they were at the checkpoint; those that had ended by then stay so."""
        if self._remembered is not None:
            self._pending.memories.load(self._remembered)
        self._pending.end({name: facts["shape"] for name, facts in self._ended.items()})

    def _begun(self) -> bool:
        """Whether things happen that can be recorded; a log that waited for a state is opened: it begins anew."""
        if self._pending.capturing:
            self._faults.attempt(self.updates, "an update", refuse_capture)
            return False
        if self._waits:
            self._waits = False
            self._faults.attempt(self.updates, "the log", self._open)
        return True

    def _updated(self) -> None:
        if (self._waits or self._pending.lanes) and not self._begun():
            return
        self.updates += 1
        if self._recording.live or self._looks.parameters.sharded:
            self._faults.attempt(self.updates, "a step", self._record)

    def _record(self) -> None:
        if not self._seen:
            self._looks.take(self.updates)
        self._seen = False
        if self._pending.due:
            self._recording.write(wait=False)

    def _end(self, status: str, reason: str) -> None:
        if self._recording.live:
            self._faults.attempt(self.updates, "a step", self._complete)
        ending = (status, reason or self._faults.reason, self.updates, self._faults.seconds)
        self._faults.attempt(self.updates, "the end of the log", self._recording.close, *ending)

    def _complete(self) -> None:
        """Write what waits, and note if the weights have changed since."""
        self._recording.write()
        step, values = self._recording.last
        with suppress(ReferenceError):  # of a model that is no more nothing can have changed
            if self._recording.live and 0 < step == self.updates and self._looks.differs(step, values):
                self._faults.note("the last weights", _CHANGED.format(step))
