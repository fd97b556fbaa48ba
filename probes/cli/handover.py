"""What a command leaves to be done when click has returned, in a process that is then as if click had never run."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Handover"]

# Threads that spin while they wait slow a training step up to tenfold where another process wants a core. OpenMP reads
# this when torch is loaded.
_POLICY = "OMP_WAIT_POLICY"


@dataclass
class Handover:
    """Holds a launch until click has returned, and what a command changed in the environment.

    Example:
        >>> handover = Handover()
        >>> handover.quieten()
        >>> handover.launch = lambda: print("launched")
        >>> handover()
        launched
    """

    launch: Callable[[], object] | None = None
    _policy: str | None = field(default_factory=lambda: os.environ.get(_POLICY))

    def quieten(self) -> None:
        """Have the threads of OpenMP sleep while they wait, unless the user wants it otherwise."""
        os.environ.setdefault(_POLICY, "PASSIVE")

    def __call__(self) -> None:
        """Launch what is to be launched, in the environment as it was."""
        if self.launch is not None:
            if self._policy is None:
                os.environ.pop(_POLICY, None)
            self.launch()
