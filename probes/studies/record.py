"""Recording a study: its phases are trained one after the other, every step of every run goes to a log of its own."""

from collections.abc import Iterator
from pathlib import Path

from probes.errors import UsageError
from probes.schedules import Schedule, every
from probes.studies.checkpoint import Checkpoint, checkpoint_path, read_checkpoint
from probes.studies.experiment import AnyRecipe
from probes.studies.folder import ENDED, check_root, check_runs, finished, status_of, study_hash
from probes.studies.group import Group, Options
from probes.studies.kinds import experiment
from probes.studies.phases import Phase, PlannedRun
from probes.studies.tables import as_mapping
from probes.studies.watcher import Silent, Watcher

__all__ = ["NO_CLASSES", "Watcher", "record_study"]

NO_CLASSES = 'expected `taps` "full" for this kind of study, whose neurons belong to no class, got "own_class"'


def record_study(
    recipe: AnyRecipe,
    root: str | Path,
    *,
    force: bool = False,
    schedule: Schedule = every(1),  # noqa: B008 - frozen
    own_class: bool = False,
    checkpoint_seconds: float = 30.0,
    watcher: Watcher | None = None,
) -> Path:
    """Train the runs of a study that are not finished yet, every step recorded, and return the root folder.

    What a process before left half done goes on from its last checkpoint, and ends as if never interrupted. Ctrl-C
    and SIGTERM end the step, write a checkpoint, and then the process.

    Args:
        recipe: The study.
        root: Folder of the run directories; made where it is missing.
        force: Record half-finished runs from their beginning, and go on in a folder that holds runs of another study.
        schedule: Which steps are recorded, beside the first; default every one.
        own_class: Record of the correlations only those of each class with its own features.
        checkpoint_seconds: Time between two checkpoints.
        watcher: Told how the recording goes on.

    Raises:
        RunError: If the folder holds other runs, and ``force`` is not set; or a run has another writer.
        UsageError: If ``own_class`` is asked for where neurons belong to no class.
        LogError: If the disk is full, or a checkpoint is damaged.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> root = record_study(built_in("tiny"), "runs")
        >>> len([path for path in root.iterdir() if path.name.startswith("single")])
        3
    """
    root, study = Path(root), experiment(recipe)
    check_root(root)
    if own_class and not study.has_own_class:
        raise UsageError(NO_CLASSES)
    if not force:
        check_runs(root, study.phases)

    options = Options(schedule, own_class, checkpoint_seconds, force, watcher or Silent())
    values = as_mapping(recipe)
    stated = {"recipe": values, "study": study_hash(values), "seeds": {"study": recipe.seed}}
    for phase in study.phases:
        for note, runs, checkpoint in list(_parts(root, phase, anew=force)):
            group = Group(root, phase, runs, checkpoint, options=options, stated=stated)
            options.watcher.begin(phase, len(runs))
            if runs:
                study.train(group)
            group.path.unlink(missing_ok=True)
            resumed = f"{len(runs)} gone on with from step {group.first}" if checkpoint else ""
            diverged = f"{group.diverged} diverged" if group.diverged else ""
            options.watcher.end(", ".join(filter(None, (note, resumed, diverged))))
    return root


def _parts(root: Path, phase: Phase, *, anew: bool) -> Iterator[tuple[str, list[PlannedRun], Checkpoint | None]]:
    """Yield what is not finished of a phase: first what a process before left half done, then the others.

    With a note of what there is besides, the runs, and what they are resumed from.
    """
    left = [run for run in phase.runs if status_of(root / run.run_id) not in ENDED]
    begun = {} if anew else _begun(root, phase, {run.run_id for run in left})
    done = len(phase.runs) - len(left)
    note = f"{done} finished before" if done else ""
    for names, checkpoint in begun.items():
        yield note, [run for run in phase.runs if run.run_id in names], checkpoint
        note = ""

    fresh = [run for run in left if not any(run.run_id in names for names in begun)]
    ready = [run for run in fresh if _can_start(root, run)]
    without = f"{len(fresh) - len(ready)} left out: a run they learn from diverged" if len(ready) < len(fresh) else ""
    if fresh or not begun:
        yield ", ".join(filter(None, (note, without))), ready, None


def _begun(root: Path, phase: Phase, left: set[str]) -> dict[frozenset[str], Checkpoint]:
    """Return the checkpoints of runs that are left, by their run_ids; remove those of none."""
    found = {}
    for path in sorted(root.glob(checkpoint_path(root, phase).name)):
        kept = read_checkpoint(path)
        names = frozenset(run.run_id for run in kept.runs) if kept else frozenset()
        if kept is not None and kept.fits(root) and left & names:
            found[names] = kept
        else:
            path.unlink()
    return found


def _can_start(root: Path, run: PlannedRun) -> bool:
    """Return whether what a run learns from, and continues, has not diverged."""
    continues = not run.continues or status_of(root / run.continues) == "finished"

    return continues and bool(finished(root, run.parents)) == bool(run.parents)
