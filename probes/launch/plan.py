"""What is to be recorded of a program's training, as the options of `probes record` say it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from probes.errors import RunError, UsageError
from probes.launch.parent_runs import MANIFEST
from probes.launch.program import Program
from probes.launch.tap_text import TapText
from probes.roles import RUN_ID
from probes.schedules import Schedule, every

__all__ = ["Plan"]


@dataclass(frozen=True)
class Plan:
    """Which parameters are recorded with which directions, when, and where to.

    Attributes:
        program: Whose training it is.
        root: Folder of the runs, one a model.
        taps: Parameter's name or glob -> what is tapped; without any, the norm of every weight is recorded.
        schedule: Which steps are recorded.
        force: Whether runs under ``root`` may be replaced.
        name: Of the run under ``root``; where several models are trained, what the names of their runs begin with.
        role: What the models are for of which the program states nothing itself.
        parents: Ids of the runs from which these models learn.

    Example:
        >>> Plan(Program("train.py"), Path("runs/train")).schedule(7)
        True
    """

    program: Program
    root: Path
    taps: Mapping[str, TapText] = field(default_factory=dict)
    schedule: Schedule = field(default_factory=every)
    force: bool = False
    name: str = ""
    role: str = ""
    parents: tuple[str, ...] = ()

    def absolute(self) -> Self:
        """The same with files that are found from any directory."""
        taps = {key: tap.absolute() for key, tap in self.taps.items()}
        return replace(self, root=self.root.absolute(), taps=taps)

    def check(self) -> None:
        """Find out what can be known to be wrong before the program is started.

        Raises:
            UsageError: the script is not there, a file of a tap does not hold what it should, or the name is none.
            RunError: there are runs under the root, or there is one of the name, and ``force`` is not set.
        """
        if not self.program.is_module and not Path(self.program.target).is_file():
            raise UsageError(f"expected a training script, got `{self.program.target}`, which is no file")
        for tap in self.taps.values():
            tap.check()

        if self.root.is_file() or (self.root / MANIFEST).is_file():
            what = "a file" if self.root.is_file() else "a run"
            raise RunError(f"expected a folder for runs at {self.root}, got {what}: name another with --out")
        if self.name:
            self._check_name()
        else:
            self._check_root()

    def _check_root(self) -> None:
        present = sorted(path.parent.name for path in self.root.glob(f"*/{MANIFEST}"))
        if present and not self.force:
            raise RunError(
                f"expected no runs in {self.root}, got {len(present)} ({present[0]}): name another folder with --out, "
                "or replace them with --force"
            )

    def _check_name(self) -> None:
        if not RUN_ID.fullmatch(self.name):
            raise UsageError(f"expected after --name letters, digits, `.`, `_` and `-`, got {self.name!r}")
        if self.name in self.parents:
            raise UsageError(f"expected for --parent another run than `{self.name}` itself, which --name names")
        path = self.root / self.name
        if (path / MANIFEST).is_file() and not self.force:
            raise RunError(f"expected no run at {path} yet: choose another --name, or replace it with --force")
