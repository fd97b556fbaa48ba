"""All that is recorded of a program: a session for each model that one of its optimizers trains.

Loaded at the first step of the first optimizer, because it needs torch, which the program may want to set up first.
"""

import re
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from torch.nn import Module
from torch.optim import Optimizer

from probes.cli.amounts import as_bytes
from probes.directions import Directions
from probes.errors import ProbesError, UsageError
from probes.launch.choice import fitting
from probes.launch.home import Home
from probes.launch.owners import identities, owners
from probes.launch.plan import Plan
from probes.launch.session import Session
from probes.quantities import Parameters

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
        self._directions: dict[str, Directions] = {}  # read when the first model is met
        self._unused = set(plan.taps)
        self._met: weakref.WeakSet[Optimizer] = weakref.WeakSet()
        self._open: list[Session] = []
        self._names: Counter[str] = Counter()
        self._lock = threading.RLock()

    def meet(self, optimizer: Optimizer) -> None:
        """Record what an optimizer trains, if it is there for the first time; its step is about to begin."""
        if optimizer in self._met and not any(session.loose for session in self._open):
            return
        if not self._home.here():
            return
        with self._lock:
            self._tidy()
            if optimizer not in self._met:
                self._met.add(optimizer)
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
        for key in sorted(self._unused):
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

    def _begin(self, optimizer: Optimizer) -> None:
        """Begin the runs of the models that an optimizer trains, or let it count in those that there are."""
        missing = identities(optimizer)
        for session in self._open:
            if missing & session.parameters and not session.follows(optimizer):
                session.follow()
            missing -= session.parameters
        if not missing:
            return

        found = owners(missing, self._fits)
        if not found and missing == identities(optimizer):
            self._say(f"{type(optimizer).__name__} trains parameters of no nn.Module; they are not recorded")
        for model in found:
            self._record(model)

    def _record(self, model: Module) -> None:
        """Begin the run of a model, or say why there is none."""
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", type(model).__name__)
        try:
            path = self._plan.root / f"{name}-{self._names[name]:02d}"
            taps = self._taps(model)
            session = Session(model, path, taps, plan=self._plan, home=self._home, say=self._say)
        except (ProbesError, ValueError, OSError, RuntimeError) as error:
            self._say(f"{name} is trained, but not recorded: {error}")
            return
        self._names[name] += 1
        self.all.append(session)
        self._open.append(session)
        session.follow()

    def _fits(self, model: Module) -> bool:
        with suppress(UsageError):  # its parameters cannot be read; `_record` says why
            return not self._plan.taps or bool(fitting(self._plan.taps, model))
        return False

    def _taps(self, model: Module) -> dict[str, Directions]:
        """The directions for what is tapped of a model; a UsageError where nothing is that should be."""
        keys = fitting(self._plan.taps, model)
        if self._plan.taps and not keys:
            Parameters(model).matching(next(iter(self._plan.taps)))
        self._unused.difference_update(keys)
        for key in keys:
            if key not in self._directions:
                self._directions[key] = Directions.read(self._plan.taps[key])
        return {key: self._directions[key] for key in keys}
