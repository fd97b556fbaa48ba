"""A program with what is to be recorded of it, ready to be run once nothing else is left to do in the process."""

import atexit
import os
from dataclasses import dataclass

from probes.launch.first_step import Watch
from probes.launch.plan import Plan

__all__ = ["Launch"]


@dataclass(frozen=True)
class Launch:
    """Runs a program under the recorder when it is called; what ends the program ends the call, SystemExit included.

    Of the processes that torchrun starts only the first, of rank 0, records; the others run the program as it is.

    Example:
        >>> from pathlib import Path
        >>> from probes.launch.program import Program
        >>> launch = Launch(Plan(Program("train.py", ("--lr", "0.1")), Path("runs/train")))
        >>> launch.records
        True
    """

    plan: Plan

    @property
    def records(self) -> bool:
        """Whether this process is one that records."""
        return os.environ.get("RANK", "0") == "0"

    def check(self) -> None:
        """Find out what can be known to be wrong before anything is run.

        Raises:
            UsageError: the script is not there, or a file of directions does not hold some.
            RunError: there are runs where the runs should go, and they may not be replaced.
        """
        if self.records:
            self.plan.check()

    def __call__(self) -> None:
        """Run the program."""
        if not self.records:
            self.plan.program.run(ended=lambda error: None)
            return

        watch = Watch(self.plan)
        atexit.register(watch.insist)  # before the program registers anything, so that it is called last
        watch.begin()
        self.plan.program.run(watch.ended)
