"""What points of a sweep are recorded by: this process, spawned ones, a dask cluster, or an executor of one's own.

Never threads: torch's number of threads and what a signal does belong to the whole process.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import suppress
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from probes.errors import UsageError

__all__ = ["Engine", "Inline", "Spawned", "engine"]

Engine = Callable[[], Executor]

_INSTALL = "pip install 'feature-probes[distributed]'"
_ENDED = 128 + signal.SIGTERM  # as a shell reports a process that SIGTERM ended


def engine(text: str = "", workers: int = 1) -> Engine:
    """Return what makes the executor that a text names; nothing is started before it is called.

    Args:
        text: "dask:ADDRESS" of a scheduler, "module:factory" of a function without arguments that returns an executor,
            or "" for processes of this machine.
        workers: Their number; with 1 this process does the work.

    Raises:
        UsageError: If the text names no executor, or comes with workers of this machine.

    Example:
        >>> with engine()() as executor:
        ...     executor.submit(max, 3, 5).result()
        5
    """
    if not text:
        return Inline if workers == 1 else lambda: Spawned(workers)
    if workers != 1:
        raise UsageError(f"expected --workers or --executor, got both: {text} has workers of its own")

    kind, colon, rest = text.partition(":")
    if not (kind and colon and rest):
        raise UsageError(f"expected --executor dask:ADDRESS or module:factory, got `{text}`")
    return (lambda: _dask(rest)) if kind == "dask" else _factory(kind, rest)


class Inline(Executor):
    """An executor that does the work when it is submitted; what interrupts it, interrupts the caller.

    Example:
        >>> Inline().submit(max, 3, 5).result()
        5
    """

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do it, and return its result as a future that is done."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - it is the caller's who asks for the result
            future.set_exception(error)
        return future


class Spawned(ProcessPoolExecutor):
    """An executor of spawned processes, which end at a checkpoint when it is shut down or its process ends.

    They stand apart from the terminal, whose Ctrl-C so reaches this process alone.

    Args:
        workers: Number of processes.

    Example:
        >>> with Spawned(2) as executor:
        ...     executor.submit(max, 3, 5).result()
        5
    """

    def __init__(self, workers: int) -> None:
        context = get_context("spawn")
        reader, self._line = context.Pipe(duplex=False)
        super().__init__(workers, mp_context=context, initializer=_listen, initargs=(reader,))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have a process do it."""
        return super().submit(_until_stopped, fn, *args, **kwargs)

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is not None:
            self._line.close()
        self.shutdown(wait=True, cancel_futures=kind is not None)
        self._line.close()


_stopping = threading.Event()  # of a spawned process


def _listen(reader: Connection) -> None:
    """Have this process end its step, write a checkpoint and end, once nobody holds the other end of the line."""
    os.setpgid(0, 0)
    threading.Thread(target=_wait, args=(reader,), daemon=True).start()


def _wait(reader: Connection) -> None:
    with suppress(EOFError, OSError):
        reader.recv()
    _stopping.set()
    os.kill(os.getpid(), signal.SIGTERM)


def _until_stopped(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    try:
        return fn(*args, **kwargs)
    finally:
        if _stopping.is_set():
            os._exit(_ENDED)  # nobody is there to give more work, or to tell that there is none


class _Dask(Executor):
    """A dask cluster's executor, with the connection that ends with it."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._inner: Executor = client.get_executor(pure=False)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have a worker do it."""
        return self._inner.submit(fn, *args, **kwargs)

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._inner.shutdown(wait=kind is None)  # what it does not wait for, dask cancels
        self._client.close()


def _dask(address: str) -> Executor:
    """Connect with a scheduler whose workers have one thread each."""
    try:
        connect = import_module("distributed").Client
    except ImportError as error:
        raise UsageError(f"expected the package distributed for --executor dask, got none: {_INSTALL}") from error
    try:
        client: Any = connect(address)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"expected a dask scheduler at {address}, got {error}: start one with `dask scheduler`"
        ) from error

    threads = client.nthreads()
    many = [f"{worker} has {count}" for worker, count in threads.items() if count > 1]
    if many:
        client.close()
        raise UsageError(f"expected dask workers of one thread, got {many[0]}: start them with `--nthreads 1`")
    return _Dask(client)


def _factory(module: str, name: str) -> Engine:
    """Return a user's function; the working folder is searched, too, as `python -m` does."""
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        factory: Engine = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"expected --executor module:factory, got `{module}:{name}`: {error}") from error
    return factory
