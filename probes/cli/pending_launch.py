"""What a command leaves to be done when click has returned, in a process that is then as if click had never run."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["PendingLaunch"]

# Threads that spin while they wait slow a training step up to tenfold where another process wants a core. OpenMP reads
# this when torch is loaded.
_POLICY = "OMP_WAIT_POLICY"
# Which windows figures open in; one that a notebook leaves to its commands may name what is not installed here.
_BACKEND = "MPLBACKEND"


@dataclass
class PendingLaunch:
    """Holds a launch until click has returned, and what a command changed in the environment.

    Example:
        >>> pending = PendingLaunch()
        >>> pending.quieten()
        >>> pending.launch = lambda: print("launched")
        >>> pending()
        launched
    """

    launch: Callable[[], object] | None = None
    _before: dict[str, str | None] = field(
        default_factory=lambda: {name: os.environ.get(name) for name in (_POLICY, _BACKEND)}
    )

    def quieten(self) -> None:
        """Have the threads of OpenMP sleep while they wait, unless the user wants it otherwise, and open no window."""
        os.environ.setdefault(_POLICY, "PASSIVE")
        os.environ[_BACKEND] = "agg"

    def __call__(self) -> None:
        """Launch what is to be launched, in the environment as it was."""
        if self.launch is not None:
            for name, value in self._before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:  # in its place among the others, which a script can see
                    os.environ[name] = value
            self.launch()
