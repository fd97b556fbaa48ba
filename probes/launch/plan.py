"""What is to be recorded of a program's training, as the options of `probes record` say it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from probes.errors import RunError, UsageError
from probes.launch.headers import check_directions
from probes.launch.program import Program
from probes.schedules import Schedule, every

__all__ = ["Plan"]

_MANIFEST = "run.json"


@dataclass(frozen=True)
class Plan:
    """Which parameters are recorded with which directions, when, and where to.

    Attributes:
        program: Whose training it is.
        root: Folder of the runs, one a model.
        taps: Parameter's name or glob -> file of directions; without any, the norm of every weight is recorded.
        schedule: Which steps are recorded.
        force: Whether runs under ``root`` may be replaced.

    Example:
        >>> Plan(Program("train.py"), Path("runs/train")).schedule(7)
        True
    """

    program: Program
    root: Path
    taps: Mapping[str, Path] = field(default_factory=dict)
    schedule: Schedule = field(default_factory=every)
    force: bool = False

    def check(self) -> None:
        """Find out what can be known to be wrong before the program is started.

        Raises:
            UsageError: the script is not there, or a file of directions does not hold some.
            RunError: there are runs under the root, and ``force`` is not set.
        """
        if not self.program.is_module and not Path(self.program.target).is_file():
            raise UsageError(f"expected a training script, got `{self.program.target}`, which is no file")
        for path in self.taps.values():
            check_directions(path)

        present = sorted(path.parent.name for path in self.root.glob(f"*/{_MANIFEST}"))
        if self.root.is_file() or (self.root / _MANIFEST).is_file():
            what = "a file" if self.root.is_file() else "a run"
            raise RunError(f"expected a folder for runs at {self.root}, got {what}: name another with --out")
        if present and not self.force:
            raise RunError(
                f"expected no runs in {self.root}, got {len(present)} ({present[0]}): name another folder with --out, "
                "or replace them with --force"
            )
