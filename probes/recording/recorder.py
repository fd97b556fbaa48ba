"""Recording of any PyTorch training: attached to an optimizer, a row is written after every update that is due."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

import torch

from probes.errors import UsageError
from probes.log.manifest import Manifest
from probes.log.outputs import Outputs, write_outputs
from probes.models.distributed import is_writer
from probes.quantities import Chosen, Quantity, Tapped
from probes.recording.counting import UNSEEN, Counting
from probes.recording.faults import Faults, OnError, one_line
from probes.recording.hooks import StepHook
from probes.recording.looks import Looks
from probes.recording.optimizers import Optimizers, check_trains, several
from probes.recording.recording import Recording, as_array
from probes.schedules import Schedule, every

__all__ = ["Recorder"]


class Recorder(Counting):
    """Writes the correlations of a model's parameters with given directions to a run directory while it trains.

    Training goes on as without it: weights stay the same to the bit, no random number is drawn, nothing is left on
    the model, and a fault of the recorder's own is told once and does not stop training. When the weights are
    NaN or infinite, the log ends with the step before, the run's status becomes "diverged", and training goes on.

    Args:
        path: The run directory to make, wherever a script goes to later; its name is the run's id.
        taps: What is recorded: a parameter's name, a glob, a parameter, or a module that has a weight, with the
            `Directions` it is correlated with, or several of them. A weight ``(neuron, ...)`` is flattened per neuron
            and recorded with axes ``(neuron, *directions.names)``; a `Tap` says where it is laid out in another way.
        schedule: Which steps are recorded, beside step 0, which always is; of quantities that have no schedule of
            their own.
        quantities: Further quantities, such as `probes.quantities.weight_norm("conv1.weight")`.
        null: Whether each tap has strength and peak of random features beside it, in a series ``<name>.null``, so that
            a feature can be told from chance.
        overwrite: Whether a run that stands at ``path`` already may be replaced.
        resume: Whether to go on with a run that stands at ``path`` already: from what `load_state_dict` is given, else
            from its beginning. What the run recorded later is superseded.
        on_error: What a fault of the recorder's own does during training: "warn" or "raise", or who is told.
        role: What the run is for, free text; likewise ``variant``.
        name: What people call the run, free text.
        variant: A finer distinction of the role.
        parents: Ids of the runs that this one learns from, its teachers.
        seeds: Seeds by name.
        recipe: Everything that defines the run, as nested JSON values.

    Raises:
        ValueError: ``on_error`` is neither "warn" nor "raise", or the name of ``path`` cannot be a run's id.

    Example:
        >>> from probes.directions import Directions
        >>> model = torch.nn.Linear(4, 3)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> with Recorder("runs/seed-0", {"weight": Directions(torch.eye(4))}).attach(model, optimizer):
        ...     for _ in range(3):
        ...         model(torch.ones(1, 4)).square().sum().backward()
        ...         optimizer.step()
        >>> from probes.log import open_log
        >>> open_log("runs/seed-0")["weight"].shape
        (4, 3, 4)
    """

    def __init__(
        self,
        path: str | Path,
        taps: Mapping[Chosen, Tapped],
        *,
        schedule: Schedule = every(1),  # noqa: B008 - frozen
        quantities: Sequence[Quantity] = (),
        null: bool = True,
        overwrite: bool = False,
        resume: bool = False,
        on_error: OnError = "warn",
        role: str = "",
        name: str = "",
        variant: str = "",
        parents: Sequence[str] = (),
        seeds: Mapping[str, int] | None = None,
        recipe: Mapping[str, Any] | None = None,
    ) -> None:
        self._given = {name: value for name, value in locals().items() if name not in {"self", "path", "resume"}}
        self.on_error = on_error
        self.path = Path(path).absolute()
        self._faults = Faults(self.path, on_error)
        self.updates = 0
        self._taps, self._quantities = dict(taps), tuple(quantities)
        self._at_first = [quantity.state() for quantity in self._quantities]
        self._schedule, self._null = schedule, null
        given: dict[str, Any] = {"role": role, "name": name, "variant": variant, "parents": tuple(parents)}
        given |= {"schedule": str(schedule), "seeds": dict(seeds or {}), "recipe": dict(recipe or {})}
        manifest = Manifest(self.path.resolve().name, (), **given)
        self._recording = Recording(self.path, manifest, self._faults, overwrite=overwrite, resume=resume)
        self._model = self._hook = None
        self._seen = self._waits = False
        self._remembered, self._ended = None, {}

    def attach(self, model: torch.nn.Module, optimizer: Optimizers = None, *, at: int = 0) -> Self:
        """The recorder itself, which makes the run directory, records step 0 and from now on every update that is due.

        Args:
            model: The model whose parameters are recorded. Of processes that train it together all attach, one writes.
            optimizer: The optimizer whose updates count, and with it each other one that trains what is recorded. Of
                several, an update is complete when each has made its step, or one of them is about to make another.
                Called again, these take the place of those before. Without one, call `step` after every update.
            at: Updates that the weights have seen already, where recording begins later than training.

        Raises:
            ValueError: ``at`` is below 0.
            UsageError: a tap chooses no parameter or does not fit it, the optimizer trains another model, or the
                recorder is attached to one.
            TypeError: a quantity returns no tensor, or numbers that its dtype does not hold.
            RunError: the run directory exists already.
        """
        optimizers = several(optimizer)
        if self._model is not None:
            return self._attached_to(model, optimizers)
        hook = StepHook(optimizers, self._updated, self.look, self._trained)
        check_trains(optimizers, model)
        if at < 0:
            raise ValueError(f"expected `at` of 0 or more updates, got {at}")
        self.updates = self.updates or at  # a state that was loaded says it itself
        self._looks = Looks(
            model,
            self._taps,
            self._quantities,
            null=self._null,
            schedule=self._schedule,
            ended=self._faults.ended,
        )
        self._pending = self._recording.pending = self._looks.pending
        self._looks.check_same(self.updates)
        self._remember()
        self._pending.measure(self._looks.state(self.updates))
        self._waits = self._recording.undecided
        if not self._waits:
            self._open()
        self._model = model
        if optimizers:
            self._hook = hook
            self._hook.attach()
        return self

    def further(self, number: int) -> "Recorder":
        """A recorder of the same for a further training, of which the run is called ``<name>-<number>``.

        Quantities that remember something begin it as they began this one.
        """
        for quantity, state in zip(self._quantities, self._at_first, strict=True):
            quantity.restore(state)
        return Recorder(self.path.with_name(f"{self.path.name}-{number}"), **self._given)

    def step(self, at: int | None = None) -> None:
        """Count one update of a training loop that has no optimizer, and record it if it is due.

        Args:
            at: Updates that the weights have seen by now, where those in between were not looked at.

        Raises:
            ValueError: ``at`` is no later step than the last.
            UsageError: the recorder is not attached, or attached to an optimizer, whose updates count themselves.
        """
        self._check_attached()
        if self._hook is not None:
            raise UsageError(f"expected `{self.path}` attached without an optimizer: its updates are counted already")
        if at is not None and at <= self.updates:
            raise ValueError(f"expected `at` later than step {self.updates}, got {at}")
        self.updates = self.updates if at is None else at - 1
        self._updated()

    def log(self, step: int | None = None, /, **scalars: float | torch.Tensor) -> None:
        """Record numbers, such as ``loss=loss``, at a step; default the number of updates completed so far.

        A loss belongs to the weights that gave it, so log it before the update. Several calls at one step are merged;
        of two numbers with the same name the later stays.

        Raises:
            UsageError: the recorder is not attached.
        """
        self._check_attached()
        if (not (self._waits or self._pending.lanes) or self._begun()) and self._recording.live:
            self._faults.attempt(self.updates, "a scalar", self._note, scalars, step)

    def outputs(
        self,
        name: str,
        logits: Any,
        *,
        labels: Any = None,
        groups: Any = None,
        ids: Any = None,
        step: int | None = None,
    ) -> None:
        """Store what the network says of an evaluation set, the same samples in every run; also after `close`.

        Args:
            name: The set, such as ``test``: letters, digits, ``_``, ``-`` and ``.``.
            logits: Tensor or array ``(sample, class)``, stored as float32 unless it is float64.
            labels: The classes, ``(sample,)``.
            groups: What each sample is counted with, ``(sample,)``, integers or strings.
            ids: What tells a sample from all others, likewise.
            step: Updates that the network has seen; default all so far.

        Raises:
            ValueError: the outputs are malformed, or of other samples than the set's at another step of the run.
            TypeError: an array has another type.
            UsageError: the recorder is not attached.
        """
        self._check_attached()
        if is_writer() and self._begun():
            step, wrong = self.updates if step is None else step, (TypeError, ValueError)
            found = Outputs(name, step, *map(as_array, (logits, labels, groups, ids)))
            self._faults.attempt(self.updates, "outputs", write_outputs, self.path, found, refused=wrong)

    def split(self, **terms: torch.Tensor) -> None:
        """Hand over the terms of the loss, before its backward pass, to the quantities that split the update.

        See `probes.quantities.update_terms`. Where the coming step is not recorded, nothing is computed.

        Raises:
            UsageError: the recorder is not attached.
        """
        self._check_attached()
        common = self._schedule(self.updates + 1)
        if self._recording.live and (common or self._pending.asks(self.updates + 1)):
            state = self._looks.state(self.updates)
            split = partial(self._pending.split, common=common)
            self._faults.attempt(self.updates, "the terms of the loss", split, terms, state)

    def state_dict(self) -> dict[str, Any]:
        """Where the recording stands, as a checkpoint can hold it; every row so far is on the disk then.

        Raises:
            UsageError: the recorder is not attached.
        """
        self._check_attached()
        self._begun()
        if self._hook is not None:
            self._hook.complete()
        self._faults.attempt(self.updates, "a step", self._recording.write)
        self._faults.attempt(self.updates, "a checkpoint", self._recording.settle, self.updates)
        ended = {
            name: {"shape": list(shape), "reason": self._faults.of_series(name)}
            for name, shape in self._pending.ended.items()
        }
        remembered = self._pending.memories.at(self.updates)
        return {**self._recording.state(self.updates), "quantities": remembered, "ended": ended}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from where `state_dict` was called; what the run recorded later is superseded.

        Call it before `attach`, or after it and before the first update; the latter needs ``resume=True``.

        Raises:
            ValueError: the state is none of a recorder.
            UsageError: it is that of another run, or not that of the quantities that have one.
            RunError: the run does not hold what the state tells of, or has another writer.
        """
        self._recording.close("interrupted", "gone on with from a checkpoint")
        self._recording.load(state)
        self.updates, self._waits = state["step"], False
        self._remembered, self._ended = state.get("quantities"), dict(state.get("ended", {}))
        self._faults.known({name: facts["reason"] for name, facts in self._ended.items()})
        if self._model is not None:
            self._open()

    def close(self, status: str = "finished", reason: str = "") -> None:
        """End the log and let go of the optimizer; afterwards `step` and `log` do nothing.

        What recording cost, in bytes and in time, goes to the logger ``probes`` at level INFO and to run.json.
        """
        if self._hook is not None:
            self._hook.detach()
        if (self._recording.live or self._waits) and self.updates == 0 and status == "finished":
            self._faults.note("updates", UNSEEN)
        self._end(status, reason)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            return self.close()
        return self.close("failed" if isinstance(error, Exception) else "interrupted", one_line(error))

    def _attached_to(self, model: torch.nn.Module, optimizers: Sequence[torch.optim.Optimizer]) -> Self:
        if self._model is not model:
            raise UsageError(f"expected one model for `{self.path}`, which is attached already; make a second Recorder")
        if optimizers and self._hook is None:
            self._hook = StepHook(optimizers, self._updated, self.look, self._trained)
            self._hook.attach()
        elif optimizers and self._hook is not None:
            self._hook.follow(optimizers)
        return self
