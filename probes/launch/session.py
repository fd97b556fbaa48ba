"""One model of a program on its way into one run: recorded as long as it lives, and kept alive by the program alone."""

import gc
import logging
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from torch.nn import Module
from torch.optim import Optimizer

from probes.errors import UsageError
from probes.launch.labels import Label
from probes.launch.plan import Plan
from probes.launch.recording_process import RecordingProcess
from probes.launch.selection import beside
from probes.launch.trained_models import identities, optimizers_of
from probes.log.manifest import read_manifest
from probes.models import Parameters
from probes.quantities import Tap
from probes.recording import Recorder
from probes.recording.hooks import StepHook

__all__ = ["Session"]


class Session:
    """A recorder of a model that the program may drop at any time, for all the optimizers that train it.

    Once it is made it raises nothing: a fault is told in one line and becomes the run's reason.

    Args:
        model: The model.
        label: Its run directory, and what is stated of the run.
        taps: What of it is recorded, by the parameter's name; may be empty.
        plan: When it is recorded, and of which program.
        process: The process in which that happens; in a fork of it nothing does.
        say: Told in one line of what goes wrong.

    Raises:
        UsageError: a tap does not fit the model, or this process alone cannot read its parameters.
        RunError: the run cannot be written.

    Example:
        >>> from pathlib import Path
        >>> import torch
        >>> from probes.directions import Directions
        >>> from probes.launch.program import Program
        >>> model = torch.nn.Linear(4, 3)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> plan = Plan(Program("train.py"), Path("runs"))
        >>> taps = {"weight": Tap(Directions(torch.eye(4)))}
        >>> given = {"plan": plan, "process": RecordingProcess(), "say": print}
        >>> session = Session(model, Label(Path("runs/Linear-00")), taps, **given)
        >>> session.follow()
        >>> optimizer.step()
        >>> session.end("finished", "")
        >>> session.steps
        1
    """

    seconds: float = 0.0  # spent recording steps
    loose: bool = False  # the model, or an optimizer of it, is no more

    def __init__(
        self,
        model: Module,
        label: Label,
        taps: Mapping[str, Tap],
        *,
        plan: Plan,
        process: RecordingProcess,
        say: Callable[[str], object],
    ) -> None:
        if Parameters(model).sharded:
            raise UsageError(
                "expected parameters that this process can read alone, got some that are sharded over several; give "
                "every process a `probes.Recorder` of its own, in the script"
            )
        self.path, self._process, self._say = label.path, process, say
        self._model = weakref.ref(model, self._lost)
        self._optimizers: list[weakref.ref[Optimizer]] = []
        self._hook: StepHook | None = None
        self._reason = ""
        self._recorder = Recorder(
            label.path,
            cast(Mapping[Any, Tap], taps),
            schedule=plan.schedule,
            quantities=beside(taps, model),
            overwrite=plan.force,
            on_error=say,
            role=label.role,
            name=label.name,
            parents=label.parents,
            recipe={"program": str(plan.program)},
        )
        self._recorder.attach(cast(Module, weakref.proxy(model)))

    @property
    def steps(self) -> int:
        """Updates seen so far."""
        return self._recorder.updates

    @property
    def label(self) -> str:
        """Name of the run, and how it ended if that was not as it should."""
        status = read_manifest(self.path).status
        return self.path.name if status == "finished" else f"{self.path.name} ({status})"

    @property
    def bytes(self) -> int:
        """Size of the run on the disk."""
        return sum(each.stat().st_size for each in self.path.glob("*") if each.is_file())

    @property
    def alive(self) -> bool:
        """Whether the model is still there."""
        return self._model() is not None

    @property
    def parameters(self) -> set[int]:
        """Identities of the model's parameters as they are now."""
        model = self._model()
        return set() if model is None else identities(model)

    def follows(self, optimizer: Optimizer) -> bool:
        """Whether the updates of the optimizer count."""
        return any(each() is optimizer for each in self._optimizers)

    def follow(self) -> None:
        """Count the updates of all optimizers that train the model now.

        Never while one of them walks its own hooks; a hook for all optimizers may.
        """
        self.loose = False
        found = optimizers_of(self.parameters)
        if len(found) > 1:
            found = []
            gc.collect()  # none that the program has dropped must be waited for
            found = optimizers_of(self.parameters)

        self._let_go()
        self._optimizers = [weakref.ref(optimizer, self._lost) for optimizer in found]
        self._hook = StepHook(cast(Sequence[Optimizer], list(map(_Borrowed, found))), self._updated, self._looked)
        self._hook.attach()

    def end(self, status: str, reason: str) -> None:
        """Complete the run."""
        self._attempt(self._let_go)
        if status == "finished" and self.steps == 0:
            status, reason = "failed", "no step was completed"
        reasons = "; ".join(filter(None, (reason, self._reason)))
        with _unlogged():
            self._attempt(lambda: self._recorder.close(status, reasons))

    def _let_go(self) -> None:
        if self._hook is not None:
            self._hook.detach()
            self._hook = None

    def _lost(self, reference: object) -> None:
        # No more than that: it may come at any moment, in any thread, with any lock held.
        self.loose = True

    def _updated(self) -> None:
        if self._process.here() and self.alive:
            self._attempt(self._recorder.step)

    def _looked(self) -> None:
        if self._process.here() and self.alive:
            self._attempt(self._recorder.look)

    def _attempt(self, work: Callable[[], object]) -> None:
        began = time.perf_counter()
        try:
            work()
        except Exception as error:  # noqa: BLE001 - no fault of recording may change what the program does
            if not self._reason:
                self._reason = f"not all was recorded, first at step {self.steps}: {type(error).__name__}: {error}"
                self._say(f"{self.path.name}: {self._reason}")
        self.seconds += time.perf_counter() - began


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep what a recorder notes for its user out of the program's own log."""
    logger = logging.getLogger("probes")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


class _Borrowed:
    """An optimizer as `StepHook` needs it, not kept alive by that: it and its state go when the program drops it."""

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = weakref.ref(optimizer)

    def __getattr__(self, name: str) -> Any:
        optimizer = self._optimizer()
        if optimizer is None and name == "param_groups":
            return []
        return getattr(optimizer, name)
