"""A queue of full blocks, and a thread that lives only while there is one to seal."""

import os
import threading
from collections import deque
from collections.abc import Callable

from probes.errors import RunError
from probes.files.endings import SEALING
from probes.log.writing.block import Block

__all__ = ["Sealer"]

# Blocks compressed at a time, for all the runs of a process together: most of the cores are the training's.
_AT_ONCE = max(1, (os.cpu_count() or 1) // 4)


class Sealer:
    """Seals blocks one after another in the background; a block that fails stays first in the queue.

    Args:
        seal: Called with a block and ``hurried``, whether another one waits behind it.

    Example:
        >>> Sealer(lambda block, hurried: None).waiting
        0
    """

    slots = threading.Semaphore(_AT_ONCE)

    def __init__(self, seal: Callable[..., None]) -> None:
        self._seal = seal
        self._blocks: deque[Block] = deque()
        self._turn = threading.RLock()  # taken by itself: a Ctrl-C while a Condition takes it would never give it back
        self._changed = threading.Condition(self._turn)
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None

    @property
    def waiting(self) -> int:
        """Blocks that are not sealed yet."""
        return len(self._blocks)

    def submit(self, block: Block) -> None:
        """Add a full block, which from now on is the thread's."""
        with self._turn:
            self._blocks.append(block)
            self._start()

    def retry(self) -> None:
        """Raise what ended the thread, if something did, as an OSError or RunError; it then works again."""
        with self._turn:
            error, self._error = self._error, None
            self._start()
        if error is not None:
            raise error if isinstance(error, OSError | RunError) else OSError(0, f"{type(error).__name__}: {error}")

    def wait(self, most: int) -> None:
        """Wait until no more than so many blocks wait, or the thread has failed."""
        with self._turn:
            self._changed.wait_for(lambda: len(self._blocks) <= most or self._thread is None)

    def _start(self) -> None:
        if self._blocks and self._error is None and self._thread is None:
            thread = threading.Thread(target=self._work, name=SEALING)
            thread.start()
            self._thread = thread  # last: one that a Ctrl-C keeps from getting here ends at once

    def _work(self) -> None:
        while block := self._first():
            try:
                with self.slots:
                    self._seal(block, hurried=self.waiting > 1)
            except Exception as error:  # noqa: BLE001 - a thread cannot raise; `retry` does, where the writer is
                self._end(error)
            else:
                self._end(None)

    def _first(self) -> Block | None:
        """The block to seal; if there is none, or the last one failed, the thread is over."""
        with self._turn:
            if self._thread is not threading.current_thread():
                return None
            if self._blocks and self._error is None:
                return self._blocks[0]
            self._thread = None
            self._changed.notify_all()
            return None

    def _end(self, error: Exception | None) -> None:
        with self._turn:
            if error is None:
                self._blocks.popleft()
            self._error = error
            self._changed.notify_all()


def _after_fork() -> None:
    Sealer.slots = threading.Semaphore(_AT_ONCE)  # a thread that the child does not have may hold the old one


os.register_at_fork(after_in_child=_after_fork)
