"""What a phase of a study goes on from when its process was ended: networks, and how far their logs had come."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from probes.errors import LogError, RunError
from probes.files.durable import write_whole
from probes.log.manifest import read_manifest
from probes.log.writing.resuming import Position
from probes.studies.phases import Phase, PlannedRun

__all__ = ["Checkpoint", "KeptRun", "checkpoint_path", "read_checkpoint", "write_checkpoint"]


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
