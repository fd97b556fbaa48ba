"""The process that records, told from those that were forked from it."""

import mmap
import os

__all__ = ["RecordingProcess"]


class RecordingProcess:
    """The process in which it is made; memory that forks share tells it afterwards who else asked.

    Example:
        >>> process = RecordingProcess()
        >>> process.here(), process.asked_elsewhere
        (True, False)
    """

    def __init__(self) -> None:
        self._process = os.getpid()
        self._asked = mmap.mmap(-1, 1)

    def here(self) -> bool:
        """Whether this is the process, and no fork of it."""
        if os.getpid() != self._process:
            self._asked[0] = 1
            return False
        return True

    @property
    def asked_elsewhere(self) -> bool:
        """Whether a fork has asked."""
        return bool(self._asked[0])
