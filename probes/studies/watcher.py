"""Who is told how a recording goes on."""

from typing import Protocol

from probes.studies.phases import Phase

__all__ = ["Silent", "Watcher"]


class Watcher(Protocol):
    """What wants to know how a recording goes on."""

    def begin(self, phase: Phase, runs: int) -> None:
        """A phase begins; ``runs`` of its runs are trained, the others are finished already."""

    def advance(self, step: int) -> None:
        """The runs of the phase have completed ``step`` updates."""

    def end(self, note: str) -> None:
        """The phase is trained, measured and stored; ``note`` says what else there is to know."""


class Silent:
    """A watcher that says nothing.

    Example:
        >>> Silent().advance(3)
    """

    def begin(self, phase: Phase, runs: int) -> None:
        """Say nothing."""

    def advance(self, step: int) -> None:
        """Say nothing."""

    def end(self, note: str) -> None:
        """Say nothing."""
