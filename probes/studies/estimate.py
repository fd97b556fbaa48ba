"""What a study takes on the disk, before it is recorded: the recipe alone tells."""

import shutil
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from probes.schedules import Schedule, every
from probes.studies.experiment import AnyRecipe
from probes.studies.kinds import experiment

__all__ = ["RULE", "Estimate", "PhaseSize", "estimate", "free_bytes"]

# Of the raw float32 bytes. Thirteen runs of the theory study, every step recorded: 0.48 to 0.75 by run, 0.57 together;
# every tenth step of them 0.70, logarithmic(10) 0.77.
_KEPT, _KEPT_THINNED = 0.55, 0.75
_KEPT_LOGITS = 0.88
_RUN_BYTES, _EVALUATION_BYTES = 20_000, 5_000  # what every file of its kind holds besides

_JOURNAL = 2**24  # what a run writes before it is sealed

_FLOAT = 4

RULE = (
    f"log: {_KEPT} of its raw bytes where every step is recorded (runs of the theory study: 0.48 to 0.75), "
    f"{_KEPT_THINNED} where fewer are, and {_RUN_BYTES // 1000} kB a run; tests: {_KEPT_LOGITS} of the raw logits"
)


@dataclass(frozen=True)
class PhaseSize:
    """What one phase of a study takes on the disk.

    Attributes:
        name: Name of the phase.
        runs: Runs that train side by side.
        steps: Updates of each.
        rows: Recorded steps of each.
        values: Numbers a run records at a step.
        weights: Bytes of the kept weights, of one run.
        tests: Bytes of the stored logits on training and test sets, of one run, as far as they can be foreseen.

    Example:
        >>> phase = PhaseSize("single", runs=2, steps=9, rows=10, values=50, weights=400, tests=100)
        >>> phase.raw, phase.total
        (4000, 43200)
    """

    name: str
    runs: int
    steps: int
    rows: int
    values: int
    weights: int
    tests: int

    @property
    def raw(self) -> int:
        """Bytes of what is recorded of all runs, as float32."""
        return self.runs * self.rows * self.values * _FLOAT

    @property
    def log(self) -> int:
        """Bytes of the logs of all runs on the disk, by `RULE`."""
        kept = _KEPT if self.rows > self.steps else _KEPT_THINNED
        return round(kept * self.raw) + self.runs * _RUN_BYTES

    @property
    def total(self) -> int:
        """Bytes of all that is stored of the phase."""
        return self.log + self.runs * (self.weights + self.tests)

    @property
    def scratch(self) -> int:
        """Bytes, at most, that it takes besides while it trains: rows not sealed yet, and a checkpoint."""
        return self.runs * (min(self.raw // self.runs, _JOURNAL) + self.weights)


@dataclass(frozen=True)
class Estimate:
    """What a study takes on the disk, phase by phase.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> found = estimate(built_in("theory"))
        >>> found.log < found.raw, found.log < found.total < found.peak
        (True, True)
    """

    schedule: Schedule
    phases: tuple[PhaseSize, ...]

    @property
    def raw(self) -> int:
        """Bytes of all that is recorded, as float32."""
        return sum(phase.raw for phase in self.phases)

    @property
    def log(self) -> int:
        """Bytes of all logs on the disk."""
        return sum(phase.log for phase in self.phases)

    @property
    def total(self) -> int:
        """Bytes of all that is stored."""
        return sum(phase.total for phase in self.phases)

    @property
    def peak(self) -> int:
        """Bytes on the disk when they are most, which is while a phase ends."""
        stored = accumulate(phase.total for phase in self.phases)

        return max(before + phase.scratch for before, phase in zip(stored, self.phases, strict=True))


def estimate(
    recipe: AnyRecipe,
    *,
    schedule: Schedule = every(1),  # noqa: B008 - frozen
    own_class: bool = False,
) -> Estimate:
    """Return what a study takes on the disk; nothing is trained for it.

    Args:
        recipe: The study.
        schedule: Which steps are recorded.
        own_class: Of the correlations only those of each class with its own features.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> [(phase.name, phase.runs, phase.rows) for phase in estimate(built_in("tiny")).phases][::5]
        [('single', 3, 151), ('average', 1, 151)]
    """
    study, phases = experiment(recipe), []
    for phase in study.phases:
        rows = 1 + sum(map(schedule, range(1, phase.steps + 1)))  # step 0 always is
        run = study.size(phase, own_class=own_class)
        tests = round(_KEPT_LOGITS * run.outputs) + _EVALUATION_BYTES
        phases.append(PhaseSize(phase.name, len(phase.runs), phase.steps, rows, run.values, run.weights, tests))

    return Estimate(schedule, tuple(phases))


def free_bytes(path: str | Path) -> int:
    """Return the bytes that are free where a path, which need not exist yet, would be made.

    Example:
        >>> free_bytes("runs/theory") > 0
        True
    """
    existing = next(folder for folder in (Path(path).absolute(), *Path(path).absolute().parents) if folder.exists())

    return shutil.disk_usage(existing).free
