"""What a phase of a study goes on from when its process was ended: networks, and how far their logs had come."""

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from probes.errors import LogError, RunError
from probes.files.durable import remove_unfinished, write_whole
from probes.learners.networks import Networks
from probes.learners.optimizers import Moments
from probes.log.manifest import read_manifest
from probes.log.writing.resuming import Position
from probes.recording import StackedRecorder
from probes.studies.interruption import Interruption

__all__ = ["Checkpoint", "Checkpoints", "KeptRun", "read_checkpoint", "write_checkpoint"]

_MOMENTS = "moments."  # names of tensors begin with it


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
        weights: ``(dim, run, class, neuron)``.
        memory: ``(sample, patch, run, class, neuron)``; None where inputs have no private noise.
        moments: What the optimizer remembers, ``(..., run, class, neuron)`` each; gradient descent nothing.

    Example:
        >>> import torch
        >>> kept = Checkpoint(100, (KeptRun("single-00", "2026-01-01", 99, 100),), torch.ones(4, 1, 2, 3), None)
        >>> write_checkpoint(Path("checkpoint.safetensors"), kept)
        >>> read_checkpoint(Path("checkpoint.safetensors")).runs == kept.runs
        True
    """

    first: int
    runs: tuple[KeptRun, ...]
    weights: Tensor
    memory: Tensor | None
    moments: Moments = field(default_factory=dict)

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
        >>> from probes.learners.recipe_files import built_in
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

    def __call__(self, following: int, runs: tuple[int, ...], networks: Networks, moments: Moments) -> None:
        """Write a checkpoint if one is due.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed; likewise SystemExit for SIGTERM.
        """
        interrupted = self._interruption.came
        if following <= self._last and (interrupted or following == self._last or time.monotonic() >= self._due):
            write_checkpoint(self._path, self._checkpoint(following, runs, networks, moments))
            self._due = time.monotonic() + self._seconds
        if interrupted:
            raise self._interruption.error()

    def _checkpoint(self, following: int, runs: tuple[int, ...], networks: Networks, moments: Moments) -> Checkpoint:
        """What is kept: of the runs in training those whose log goes on."""
        positions = self._recorder.positions(following - 1)
        kept = [(place, run) for place, run in enumerate(runs) if run in positions]
        places = [place for place, _ in kept]
        networks = networks.select(places)
        moments = {name: values[..., places, :, :] for name, values in moments.items()}
        paths = self._recorder.paths
        facts = [KeptRun(paths[run].name, read_manifest(paths[run]).created, *positions[run]) for _, run in kept]

        return Checkpoint(following, tuple(facts), networks.weights, networks.memory, moments)


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint whole, in place of the one before.

    Raises:
        OSError: The disk is full or refuses.

    Example:
        >>> import torch
        >>> write_checkpoint(Path("checkpoint.safetensors"), Checkpoint(0, (), torch.ones(4, 1, 2, 3), None))
        >>> read_checkpoint(Path("checkpoint.safetensors")).first
        0
    """
    tensors = {"weights": checkpoint.weights}
    tensors |= {f"{_MOMENTS}{name}": values.contiguous() for name, values in checkpoint.moments.items()}
    if checkpoint.memory is not None:
        tensors["memory"] = checkpoint.memory
    facts = {"first": checkpoint.first, "runs": [asdict(run) for run in checkpoint.runs]}
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
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
            moments = {name.removeprefix(_MOMENTS): part for name, part in tensors.items() if name.startswith(_MOMENTS)}
            return Checkpoint(facts["first"], runs, tensors["weights"], tensors.get("memory"), moments)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise LogError(
            f"expected a checkpoint at {path}, got {type(error).__name__}: delete it, or record with --force"
        ) from error
