"""All that is recorded of a program: a session for each model that one of its optimizers trains.

Loaded at the first step of the first optimizer, because it needs torch, which the program may want to set up first.
"""

import threading
import weakref
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

from torch.nn import Module
from torch.optim import Optimizer

from probes.cli.amounts import as_bytes
from probes.errors import ProbesError, RunError
from probes.launch.labels import Labels
from probes.launch.plan import Plan
from probes.launch.recording_process import Home
from probes.launch.session import Session
from probes.launch.taps import Taps
from probes.launch.trained_models import Identities, identities, optimizers_of, outermost_models, owners, unwrapped
from probes.roles import Description, description_of, descriptions

__all__ = ["Sessions"]

_SHOWN = 4  # names of runs


class Sessions:
    """The sessions of a program; an optimizer is met before its first step changes a weight.

    Args:
        plan: What is recorded.
        home: The process in which that happens.
        say: Told in one line of what cannot be recorded.

    Example:
        >>> import torch
        >>> from probes.launch.program import Program
        >>> model = torch.nn.Linear(4, 3)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> sessions = Sessions(Plan(Program("train.py"), Path("runs")), Home(), print)
        >>> sessions.meet(optimizer)
        >>> optimizer.step()
        >>> sessions.end("finished", "")
        >>> [(session.path.name, session.steps) for session in sessions.all]
        [('Linear-00', 1)]
    """

    def __init__(self, plan: Plan, home: Home, say: Callable[[str], object]) -> None:
        self.all: list[Session] = []
        self._plan, self._home, self._say = plan, home, say
        self._taps, self._labels = Taps(plan.taps), Labels(plan, say)
        self._checked = False
        self._refusal = 0  # exit code, once the program is to end before its first update
        self._met: weakref.WeakSet[Optimizer] = weakref.WeakSet()
        self._open: list[Session] = []
        self._trained: dict[Session, Identities] = {}  # the parameters for which a session was begun
        self._lock = threading.RLock()

    @property
    def refused(self) -> int:
        """The exit code with which the program has to end because what is asked for cannot be recorded; 0 if it can."""
        return self._refusal

    def meet(self, optimizer: Optimizer) -> None:
        """Record what an optimizer trains, if it is there for the first time; its step is about to begin.

        Raises:
            SystemExit: before the first step of all, a tap suits no model, or a run stands where one should go.
        """
        if self._refusal and self._home.here():
            raise SystemExit(self._refusal)
        if optimizer in self._met and not any(session.loose for session in self._open):
            return
        if not self._home.here():
            return
        with self._lock:
            if self._refusal:  # by another thread, meanwhile
                raise SystemExit(self._refusal)
            self._tidy()
            if optimizer not in self._met:
                self._met.add(optimizer)
                self._check(optimizer)
                self._begin(optimizer)

    def end(self, status: str, reason: str) -> None:
        """Complete all runs."""
        with self._lock:
            for session in self._open:
                session.end(status, reason)
            self._open = []

    def summary(self, root: Path, seconds: float, met: float) -> Iterator[str]:
        """What was recorded in how much of the time, in a line, and before it what was not found.

        Args:
            root: The folder of the runs as it is to be named.
            seconds: Time since the first optimizer was met.
            met: The part of it that meeting optimizers took.
        """
        for key in sorted(self._taps.unused):
            yield f"tap `{key}` chose no parameter"
        if not self.all:
            yield "nothing was recorded"
            return

        names = [session.label for session in self.all]
        shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
        steps, size = sum(session.steps for session in self.all), sum(session.bytes for session in self.all)
        spent = met + sum(session.seconds for session in self.all)
        yield f"{shown} in {root}: {steps:,} steps, {as_bytes(size)}; recording took {spent:.2g} of {seconds:.3g} s"

    def _tidy(self) -> None:
        """Complete the runs of models that are no more, and no longer count on optimizers that are no more."""
        for session in self._open:
            if not session.alive:
                session.end("finished", "")
            elif session.loose:
                session.follow()
        self._open = [session for session in self._open if session.alive]
        self._trained = {session: self._trained[session] for session in self._open}

    def _begin(self, optimizer: Optimizer) -> None:
        """Begin the runs of the models that an optimizer trains, or let it count in those that there are."""
        missing = identities(optimizer)
        for session in self._open:
            if missing & session.parameters and not session.follows(optimizer):
                session.follow()
            missing -= session.parameters
        if not missing:
            return

        found = self._models(missing)
        if not found and missing == identities(optimizer):
            self._say(f"{type(optimizer).__name__} trains parameters of no nn.Module; they are not recorded")
        for model, described in found:
            self._record(model, described, missing & identities(model))

    def _models(self, parameters: Identities) -> list[tuple[Module, Description]]:
        """The models that hold parameters: those that the program describes, then the outermost of all others."""
        found: list[tuple[Module, Description]] = []
        for model, described in descriptions():
            if described.stated and parameters & identities(model):
                found.append((unwrapped(model), described))
                parameters = parameters - identities(model)
        return found + [(model, description_of(model)) for model in owners(parameters, self._taps.fits)]

    def _models_trained(self, first: Optimizer) -> Iterator[Module]:
        """The models that all optimizers train that are there, beginning with those of the first."""
        seen: set[int] = set()
        for optimizer in chain([first], optimizers_of()):
            for model, _ in self._models(identities(optimizer) - seen):
                seen |= identities(model)
                yield model

    def _others(self) -> Iterator[Module]:
        """All models, as one may be trained later; looked for at need."""
        yield from outermost_models(self._taps.fits)

    def _check(self, optimizer: Optimizer) -> None:
        """End the program, before its first update, where a tap suits no model that there is."""
        if self._checked:
            return
        self._checked = True
        trained: Iterator[Module] = self._models_trained(optimizer)
        if self._plan.name:
            models = list(trained)
            trained, self._labels.several = iter(models), len(models) > 1
        why = self._taps.refusal(chain(trained, self._others()))
        if why:
            self._refuse(f"{why}; the program ends before its first update", 2)

    def _refuse(self, why: str, code: int) -> None:
        self._refusal = code
        self._say(why)
        raise SystemExit(code)

    def _record(self, model: Module, described: Description, trained: Identities) -> None:
        """Begin the run of a model, or say why there is none."""
        try:
            self._note_parents()
            label, taps = self._labels.of(model, described), self._taps.of(model)
            session = Session(model, label, taps, plan=self._plan, home=self._home, say=self._say)
        except (ProbesError, ValueError, OSError, RuntimeError) as error:
            if isinstance(error, RunError) and self._plan.name and not self.all:
                self._refuse(f"{error}; the program ends before its first update", 1)
            self._say(f"{type(model).__name__} is trained, but not recorded: {error}")
            return
        self._labels.took(label)
        described.run_id, described.say = label.run_id, self._say
        self.all.append(session)
        self._open.append(session)
        self._trained[session] = trained
        self._note_parents()  # while the model is there
        session.follow()

    def _note_parents(self) -> None:
        """Let the wrapper of a recorded model, what holds it and what it holds be known by its run as parents."""
        for model, described in descriptions():
            parameters = set() if described.run_id or described.stated else identities(model)
            for session in self._open if parameters else ():
                if self._trained[session] & parameters:
                    described.run_id, described.say = session.path.name, self._say
                    break
