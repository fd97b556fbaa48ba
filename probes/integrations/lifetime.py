"""A recorder in a framework's training, which it never ends: what cannot be recorded is said in one line."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

from probes.models.modules import parameters
from probes.recording import Recorder

__all__ = ["Guarded"]


class Guarded:
    """A recorder that trainings may use one after another: each further one is a run of its own.

    Args:
        recorder: The first one's.

    Example:
        >>> import torch
        >>> guarded = Guarded(Recorder("runs/seed-0", {}))
        >>> model = torch.nn.Linear(2, 2)
        >>> for _ in range(2):
        ...     guarded.begin(model, torch.optim.SGD(model.parameters(), lr=0.1), {})
        ...     guarded.close("interrupted")
        >>> guarded.recorder.path.name
        'seed-0-2'
    """

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.attached = False  # so far, so that it has a state
        self._running = False
        self._first, self._runs = recorder, 1
        self._waits: tuple[Any, ...] = ()  # what `begin` was called with, while parameters have no values

    def begin(self, model: Any, optimizers: Any, state: Mapping[str, Any]) -> None:
        """Attach the recorder, or one of a further run, where an earlier training has ended."""
        self._attempt(self._begin, model, optimizers, state)

    def before_update(self) -> None:
        """Attach now if parameters had no values before the first forward pass."""
        if self._waits:
            self._attempt(self._begin, *self._waits)

    def close(self, status: str = "finished", reason: str = "") -> None:
        """End the run."""
        if self._stopped():
            self._attempt(self.recorder.close, status, reason)

    def failed(self, error: BaseException) -> None:
        """End the run with the reason."""
        if self._stopped():
            self._attempt(self.recorder.__exit__, type(error), error, error.__traceback__)

    def _stopped(self) -> bool:
        """Whether a run was going on, which is over now."""
        self._waits = ()
        running, self._running = self._running, False
        self._runs += running
        return running

    def _begin(self, model: Any, optimizers: Any, state: Mapping[str, Any]) -> None:
        if any(hasattr(parameter, "materialize") for parameter in parameters(model)):
            self._waits = (model, optimizers, state)
            return
        self._waits = ()
        if not self._running and self._runs > 1:
            self.recorder = self._first.further(self._runs)
        elif state and not self.attached:
            self.recorder.load_state_dict(state)
        self.recorder.attach(model, optimizers)
        self.attached = self._running = True

    def _attempt(self, work: Callable[..., object], *arguments: object) -> None:
        try:
            work(*arguments)
        except Exception as error:
            if self.recorder.on_error == "raise":
                raise
            warnings.warn(
                f"{self.recorder.path}: not recorded: {error}; training goes on", RuntimeWarning, stacklevel=3
            )
