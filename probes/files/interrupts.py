"""Ctrl-C while HDF5 works: h5py lets go of its objects in callbacks, and Python drops what a handler raises in one."""

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

__all__ = ["held"]

_HELD = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def held() -> Iterator[None]:
    """Have a first Ctrl-C or SIGTERM wait until the block ends; a second one is not kept waiting.

    Without it one of a hundred that come while a file is written is printed as ignored, and the training goes on. Only
    handlers written in Python are concerned, and only the main thread, which alone calls them.

    Example:
        >>> before = signal.signal(signal.SIGINT, signal.default_int_handler)  # as Python does, unless started without
        >>> try:
        ...     with held():
        ...         signal.raise_signal(signal.SIGINT)
        ...         print("written")
        ... except KeyboardInterrupt:
        ...     print("interrupted")
        written
        interrupted
        >>> _ = signal.signal(signal.SIGINT, before)
    """
    with ExitStack() as handlers:
        if threading.current_thread() is threading.main_thread():
            for number in _HELD:
                handlers.enter_context(_held(number))
        yield


@contextmanager
def _held(number: int) -> Iterator[None]:
    handler = signal.getsignal(number)
    if not callable(handler):
        yield
        return
    came: list[FrameType | None] = []

    def keep(number: int, frame: FrameType | None) -> None:
        if came:
            handler(number, frame)
        came.append(frame)

    try:
        signal.signal(number, keep)
        yield
    finally:
        signal.signal(number, handler)
        if came:
            handler(number, came[0])
