"""Ctrl-C and SIGTERM between two steps instead of in the middle of one."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Self

__all__ = ["Interruption"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """A context in which the first SIGINT or SIGTERM waits until it is asked for; the second acts at once.

    One that nobody has asked for is raised at the end. Outside the main thread, where signals cannot be handled, it
    does nothing.

    Example:
        >>> from contextlib import suppress
        >>> with suppress(KeyboardInterrupt), Interruption() as interruption:
        ...     signal.raise_signal(signal.SIGINT)
        ...     print("the step ends")
        the step ends
        >>> interruption.error()
        KeyboardInterrupt()
    """

    def __init__(self) -> None:
        self._signal = 0
        self._before: dict[signal.Signals, object] = {}

    @property
    def came(self) -> bool:
        """Whether a signal waits."""
        return self._signal != 0

    def error(self) -> BaseException:
        """What to raise for the signal: KeyboardInterrupt, or SystemExit with the code a shell expects."""
        return KeyboardInterrupt() if self._signal == signal.SIGINT else SystemExit(128 + self._signal)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._wait) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._restore()
        if error is None and self.came:
            raise self.error()

    def _wait(self, number: int, frame: FrameType | None) -> None:
        self._signal = number
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._before = {}
