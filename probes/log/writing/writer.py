"""The writer of one run: every step is copied at once, journalled within 16 steps or a second, and sealed later."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self

from numpy.typing import NDArray

from probes.errors import LogError, RunError
from probes.files.durable import is_there
from probes.files.endings import at_end, not_at_end, rescued
from probes.files.interrupts import held
from probes.log.layout import LARGEST_ROW, MANIFEST
from probes.log.manifest import Manifest, write_manifest
from probes.log.stored_directions import StoredDirections, by_series, hash_of, write_directions
from probes.log.writing.lock import claim
from probes.log.writing.merged import merge
from probes.log.writing.pipeline import Pipeline
from probes.log.writing.resuming import Position, next_attempt
from probes.log.writing.segment import filters
from probes.log.writing.steps import any_step, next_step, next_steps
from probes.provenance import commit, versions

__all__ = ["RunWriter"]


class RunWriter:
    """Writes one run's log; a context manager, which closes it.

    A full disk does not disturb the training: rows stay in memory, a warning says so, and writing is tried again; only
    when four blocks are full are rows left out, and the log then says which.

    Args:
        path: Directory of the run; it and its parents are made.
        manifest: What the run is; a missing time of creation is filled in.
        directions: Those of every series that has some; one set alone counts for all of them.
        overwrite: Delete a run that is already there.
        resume: Go on from there with a run that is already there, if one is; what it recorded later is superseded.
        first: Step of the first row of a run that begins.
        block_bytes: Size of the rows that become one segment, up to 512 MiB.
        pack_bytes: A closed run of at most this size is one file, log.h5; a larger one keeps its segments.
        flush_every: A step reaches the journal at the latest after so many.
        flush_seconds: Or with the first call after this time.
        compression: "gzip", which every tool reads, or "blosc2", smaller and faster, which needs hdf5plugin.

    Raises:
        RunError: the directory holds a run, or one that cannot be resumed so, has another writer, or cannot be written.
        LogError: a file of the run to resume is damaged or foreign.
        ValueError: ``block_bytes`` is too large, or ``compression`` unknown.
        ImportError: hdf5plugin is needed and not installed.
        TypeError: the recipe holds what JSON cannot.

    Example:
        >>> import numpy as np
        >>> from probes.log.layout import Series
        >>> with RunWriter("runs/seed-0", Manifest("seed-0", (Series("w", ("neuron",), (2,)),))) as writer:
        ...     writer.append(0, {"w": np.zeros(2, "f4")})
        ...     writer.append(1, {"w": np.ones(2, "f4")})
        ...     writer.log(1, {"loss": 0.5})
        >>> writer.rows
        2
    """

    def __init__(
        self,
        path: str | Path,
        manifest: Manifest,
        *,
        directions: StoredDirections | Mapping[str, StoredDirections] | None = None,
        overwrite: bool = False,
        resume: Position | None = None,
        first: int = 0,
        block_bytes: int = 2**24,
        pack_bytes: int = 2**28,
        flush_every: int = 16,
        flush_seconds: float = 1.0,
        compression: str = "gzip",
    ) -> None:
        filters(compression)  # refused before anything is made
        if not 0 < block_bytes <= LARGEST_ROW:
            raise ValueError(f"expected `block_bytes` of 1 to {LARGEST_ROW}, got {block_bytes}")
        self.path = Path(path).absolute()  # a script may change the directory
        sets = by_series(directions, manifest.series)
        self.manifest = replace(
            manifest,
            created=manifest.created or datetime.now(UTC).isoformat(),
            versions=manifest.versions or versions(),
            commit=manifest.commit or commit(),
            directions=hash_of(sets),
        )
        self._pack_bytes, self._compression = pack_bytes, compression
        self._process, self._started = os.getpid(), monotonic()  # process 0 once closed
        begun = resume is not None and resume.rows > 0
        self._lock = claim(self.path, overwrite=overwrite, resume=resume is not None, begun=begun)
        try:
            segment = self._begin(sets, resume or Position(), first)
            self._lock.created = self.manifest.created
            self._pipeline = Pipeline(
                self.path,
                self.manifest,
                index=segment,
                block_bytes=block_bytes,
                flush_every=flush_every,
                flush_seconds=flush_seconds,
                compression=compression,
                check=self._lock.check,
            )
        except OSError as error:
            self._lock.release()
            raise RunError(f"expected to write into `{self.path}`, got {error.strerror}; free space there") from error
        except BaseException:
            self._lock.release()
            raise
        at_end(self)

    @held()
    def _begin(self, directions: Mapping[str, StoredDirections], position: Position, first: int) -> int:
        """Have the run ready for rows, and return the number of its next segment."""
        self._last, self._kept = max(position.step, first - 1), position.rows
        if is_there(self.path / MANIFEST):
            self.manifest, segment = next_attempt(self.path, self.manifest, position)
            return segment

        if directions:
            write_directions(self.path, directions)
        write_manifest(self.path, self.manifest)
        self._last = first - 1
        return 0

    @property
    def open_here(self) -> bool:
        """Whether this process can write to it."""
        return self._process == os.getpid()

    @property
    def rows(self) -> int:
        """Rows taken in, whether on disk yet or not, with those that a resumed run had kept."""
        return self._kept + self._pipeline.rows

    @property
    def bytes_written(self) -> int:
        """Bytes handed to the disk so far, to journals and segments."""
        return self._pipeline.bytes_written

    def append(self, step: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Copy every series at a step; step 0, the initialisation, comes first.

        Raises:
            RunError: the writer is closed, or belongs to the process that this one was forked from.
            ValueError: the step is not after the one before, or a series is missing, unknown or of another shape.
            TypeError: an array cannot be cast to its series' dtype.
        """
        self._check_open()
        before = self._last
        self._last = next_step(step, before, self.path)  # first: an interrupt must not let a step in twice
        try:
            self._pipeline.append(step, arrays)
        except (TypeError, ValueError):
            self._last = before
            raise

    def extend(self, steps: Sequence[int], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Copy every series at several steps, ``(step, *dims)`` each; all of them, or none where it raises.

        Raises:
            RunError: the writer is closed, or belongs to the process that this one was forked from.
            ValueError: the steps do not rise, or a series is missing, unknown or of another shape.
            TypeError: an array cannot be cast to its series' dtype.
        """
        self._check_open()
        before = self._last
        try:
            numbers = next_steps(steps, before, self.path)
            self._last = numbers[-1] if numbers else before
            self._pipeline.extend(numbers, arrays)
        except (TypeError, ValueError):
            self._last = before
            raise

    def log(self, step: int, scalars: Mapping[str, float]) -> None:
        """Take in values at any step; one of the same name and step replaces the earlier.

        Raises:
            RunError: the writer is closed, or belongs to the process that this one was forked from.
            ValueError: a name is empty, longer than 255 characters, or has control characters; or the step is below 0.
        """
        self._check_open()
        self._pipeline.log(any_step(step), scalars)

    def position(self, step: int) -> Position:
        """Where the run stands after ``step`` updates, once it is known to be on the disk: what `resume` takes.

        Raises:
            RunError: the writer is closed, or belongs to the process that this one was forked from.
            LogError: the disk refuses; the rows stay in memory.
        """
        self.flush()
        return Position(max(step, self._last), self.rows)

    def flush(self) -> None:
        """Make everything so far survive even a power cut; waits for the disk.

        Raises:
            RunError: the writer is closed, or belongs to the process that this one was forked from.
            LogError: the disk refuses; the rows stay in memory.
        """
        self._check_open()
        try:
            self._pipeline.sync()
        except OSError as error:
            raise self._unwritten(error) from error

    @held()
    def close(self, status: str = "finished", reason: str = "", *, recording_seconds: float = 0.0) -> None:
        """Write the rest and log.h5, and say in run.json how the run ended; a second time does nothing.

        A Ctrl-C that comes meanwhile is raised when it is done, a second one at once.

        Args:
            status: What became of the run.
            reason: Why, in one line, where it did not finish.
            recording_seconds: Time that recording took from the training.

        Raises:
            RunError: the writer belongs to the process that this one was forked from, or its folder is another run's.
            LogError: the disk refuses; the rows stay in memory, and `close` can be called again.
        """
        if self._process == 0:
            return
        self._check_open()
        ended = replace(
            self.manifest,
            status=status,
            reason=reason,
            wall_seconds=self.manifest.wall_seconds + monotonic() - self._started,
            recording_seconds=self.manifest.recording_seconds + recording_seconds,
        )
        try:
            self._end(ended)
        except OSError as error:
            raise self._unwritten(error) from error
        except RunError:
            self._let_go()
            raise
        self.manifest = ended
        self._let_go()

    def _end(self, ended: Manifest) -> None:
        self._lock.check()
        self._pipeline.finish()
        merge(self.path, self.manifest, pack_bytes=self._pack_bytes, compression=self._compression)
        self._lock.check()
        write_manifest(self.path, ended)

    def _let_go(self) -> None:
        self._process = 0
        self._lock.release()
        not_at_end(self)

    def rescue(self) -> None:
        """Have all rows on the disk where nobody will close the log: the process ends, or nobody has the writer."""
        if self.open_here:
            self._pipeline.rescue()

    def __del__(self) -> None:
        rescued(self, "_pipeline")
        if getattr(self, "_lock", None) and self.open_here:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self.open_here:
            return None
        if error is None:
            return self.close()
        try:
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            self.close("failed" if isinstance(error, Exception) else "interrupted", reason)
        except (LogError, RunError) as failure:
            error.add_note(str(failure))

    def _check_open(self) -> None:
        if self._process == 0:
            raise RunError(f"expected an open writer of `{self.path}`, got a closed one; make another")
        if self._process != os.getpid():
            fork = f"its fork {os.getpid()}; name another run in it"
            raise RunError(f"expected process {self._process} to write `{self.path}`, got {fork}")

    def _unwritten(self, error: OSError) -> LogError:
        needed = f"free {self._pipeline.needed} bytes and try again"
        return LogError(f"expected to write the last rows of `{self.path}`, got {error.strerror}; {needed}")
