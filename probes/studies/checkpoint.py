"""What a phase of a study goes on from when its process was ended: networks, and how far their logs had come."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from probes.errors import LogError, RunError
from probes.files.durable import remove_unfinished, write_whole
from probes.log.manifest import read_manifest
from probes.log.writing.resuming import Position
from probes.stacked import StackedRecorder
from probes.studies.interruption import Interruption
from probes.studies.phases import Phase, PlannedRun

__all__ = ["Checkpoint", "Checkpoints", "KeptRun", "checkpoint_path", "read_checkpoint", "write_checkpoint"]


@dataclass(frozen=True)
class KeptRun:
    """A run as a checkpoint knows it.

    Attributes:
        run_id: Name of its directory.
        created: When it began, which tells it from a later one of that name.
        step: The last step in its log that counts.
        rows: How many are in it up to there.

    Example:
        >>> KeptRun("single-00", "2026-01-01", 99, 100).position
        Position(step=99, rows=100)
    """

    run_id: str
    created: str
    step: int
    rows: int

    @property
    def position(self) -> Position:
        """Where its log goes on."""
        return Position(self.step, self.rows)


@dataclass(frozen=True)
class Checkpoint:
    """A phase between two steps; randomness is not part of it: what is drawn follows from a seed and the step alone.

    Attributes:
        first: The step that comes next.
        runs: The runs, in the order of the networks.
        state: What training goes on from, name to tensor, the runs of each in this order.

    Example:
        >>> import torch
        >>> kept = Checkpoint(100, (KeptRun("single-00", "2026-01-01", 99, 100),), {"weights": torch.ones(1, 3)})
        >>> write_checkpoint(Path("checkpoint.safetensors"), kept)
        >>> read_checkpoint(Path("checkpoint.safetensors")).runs == kept.runs
        True
    """

    first: int
    runs: tuple[KeptRun, ...]
    state: Mapping[str, Tensor]

    def fits(self, root: Path) -> bool:
        """Whether the runs under ``root`` are still those that were kept."""
        try:
            return all(read_manifest(root / run.run_id).created == run.created for run in self.runs)
        except RunError:
            return False


class Checkpoints:
    """Writes the checkpoints of a phase while it trains: called after every update, as `train` does.

    One is written after some seconds, before the last step, and when the process is asked to end, which it then does.
    Every row in it is on the disk before it is.

    Args:
        path: The file.
        recorder: What writes the logs.
        interruption: Tells whether the process is asked to end.
        seconds: Time between two checkpoints.
        last: The last step.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> from probes.studies import record_study
        >>> root = record_study(built_in("tiny"), "runs", checkpoint_seconds=0.0)
        >>> list(root.glob("checkpoint-*"))  # removed once a phase is finished
        []
    """

    def __init__(
        self, path: Path, recorder: StackedRecorder, interruption: Interruption, seconds: float, *, last: int
    ) -> None:
        self._path, self._recorder, self._interruption = path, recorder, interruption
        self._seconds, self._last = seconds, last
        self._due = time.monotonic() + seconds
        remove_unfinished(path.parent, path.name)  # nobody else writes it: the recorder has locked the runs

    def __call__(
        self, following: int, runs: Sequence[int], state: Callable[[Sequence[int]], Mapping[str, Tensor]]
    ) -> None:
        """Write a checkpoint if one is due.

        Args:
            following: The step that comes next.
            runs: Those in training.
            state: Returns what is kept of those at some places among them.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed; likewise SystemExit for SIGTERM.
        """
        interrupted = self._interruption.came
        if following <= self._last and (interrupted or following == self._last or time.monotonic() >= self._due):
            positions, paths = self._recorder.positions(following - 1), self._recorder.paths
            places = [place for place, run in enumerate(runs) if run in positions]  # those whose log goes on
            going = [(paths[runs[place]], positions[runs[place]]) for place in places]
            kept = tuple(KeptRun(path.name, read_manifest(path).created, *position) for path, position in going)
            write_checkpoint(self._path, Checkpoint(following, kept, state(places)))
            self._due = time.monotonic() + self._seconds
        if interrupted:
            raise self._interruption.error()


def checkpoint_path(root: Path, phase: Phase, runs: Sequence[PlannedRun] | None = None) -> Path:
    """Return the file from which some runs of a phase go on when their process was ended; of whichever, a pattern.

    Example:
        >>> checkpoint_path(Path("runs"), Phase("self-distilled fresh", (), 9)).name
        'checkpoint-self-distilled-fresh-*.safetensors'
    """
    names = None if runs is None else " ".join(run.run_id for run in runs)
    digest = "*" if names is None else hashlib.sha256(names.encode()).hexdigest()[:8]

    return root / f"checkpoint-{phase.name.replace(' ', '-')}-{digest}.safetensors"


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint whole, in place of the one before.

    Raises:
        OSError: The disk is full or refuses.

    Example:
        >>> write_checkpoint(Path("checkpoint.safetensors"), Checkpoint(0, (), {}))
        >>> read_checkpoint(Path("checkpoint.safetensors")).first
        0
    """
    facts = {"first": checkpoint.first, "runs": [asdict(run) for run in checkpoint.runs]}
    tensors = {name: values.contiguous() for name, values in checkpoint.state.items()}
    write_whole(path, save(tensors, {"checkpoint": json.dumps(facts)}))


def read_checkpoint(path: Path) -> Checkpoint | None:
    """Return the checkpoint in a file, None where there is none.

    Raises:
        LogError: If the file is damaged or foreign.

    Example:
        >>> read_checkpoint(Path("none.safetensors"))
    """
    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as file:
            facts = json.loads(file.metadata()["checkpoint"])
            runs = tuple(KeptRun(**run) for run in facts["runs"])
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
            return Checkpoint(facts["first"], runs, state)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise LogError(
            f"expected a checkpoint at {path}, got {type(error).__name__}: delete it, or record with --force"
        ) from error
