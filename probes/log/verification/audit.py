"""A run's directory looked through file by file, each in a process of its own; files that others depend on come first.

`serve` is what the process started by `verify` does.
"""

import gc
import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from probes.files.durable import TEMPORARY, is_there
from probes.log.discovery import unreadable
from probes.log.layout import (
    DIRECTIONS,
    EVALUATION,
    FILES,
    JOURNAL,
    LOCK,
    MANIFEST,
    MERGED,
    NUMBERED,
    OUTPUT,
    OUTPUTS,
    SEGMENT,
    WEIGHTS,
)
from probes.log.verification import checks
from probes.log.verification.guard import Limits, guarded
from probes.log.verification.merged_view import Part

__all__ = ["Look"]

_PAUSES = (0.0, 0.1, 0.5)  # before each look: a writer may seal, pack or begin anew meanwhile
_TEMPORARY = re.compile(TEMPORARY)
_MOST_MISSING = 20  # lines
_WITH_ROWS = " is missing, and its rows with it"


def serve(source: TextIO = sys.stdin, sink: TextIO = sys.stdout) -> None:
    """Check the runs that are asked for; what is found goes out as lines of JSON as soon as a run is done."""
    request = json.load(source)
    gc.freeze()  # else every forked process copies most of the memory when it collects garbage
    for run in request["runs"]:
        said = audited(Path(run), request["seconds"])
        sink.writelines(json.dumps([run, kind, line]) + "\n" for kind, line in said)
        sink.flush()


def audited(run: Path, seconds: int | None) -> list[tuple[str, str]]:
    """Pairs of ``fault`` or ``note`` and a line; a run that may not be read is one fault."""
    try:
        return _audited(run, seconds)
    except PermissionError as error:
        return [("fault", unreadable(run, error))]


def _audited(run: Path, seconds: int | None) -> list[tuple[str, str]]:
    """The same of a run that may be read; what a writer has just changed is looked at again."""
    for pause in _PAUSES:
        time.sleep(pause)
        before = run.stat().st_mtime_ns
        look = Look(run, list(_names(run)), seconds)
        alive = _look_through(look)
        wrong = look.gone or any(kind == "fault" for kind, _ in look.found)
        if not wrong or not (alive or run.stat().st_mtime_ns > before):
            break
    return [*look.found, *(("note", f"`{path}` was taken away by its writer meanwhile") for path in look.gone)]


def _names(run: Path) -> Iterator[str]:
    """The files of a run, those of its folder of outputs with it; a link counts as a file."""
    for path in sorted(run.iterdir()):
        if path.name == OUTPUTS and path.is_dir() and not path.is_symlink():
            yield from (f"{OUTPUTS}/{below.name}" for below in sorted(path.iterdir()))
        else:
            yield path.name


@dataclass
class Look:
    """What one look through a run's directory has found so far.

    Example:
        >>> look = Look(Path("seed-0"), ["run.json"], None)
        >>> look.note("LOCK", ": a writer is at work")
        >>> look.found
        [('note', '`seed-0/LOCK`: a writer is at work')]
    """

    run: Path
    names: Sequence[str]  # of its files when the look began
    seconds: int | None  # of the processor that a file may take; None for as many as its size allows
    found: list[tuple[str, str]] = field(default_factory=list)
    gone: list[Path] = field(default_factory=list)  # files that vanished

    def fault(self, name: str, text: str) -> None:
        """Keep a fault of a file."""
        self.found.append(("fault", f"`{self.run / name}`{text}"))

    def note(self, name: str, text: str) -> None:
        """Keep what is worth to know, and no fault."""
        self.found.append(("note", f"`{self.run / name}`{text}"))

    def lack(self, name: str, text: str) -> None:
        """Keep the fault that a file is missing, unless it, or the log.h5 that replaces it, has come meanwhile."""
        if any(is_there(self.run / each) for each in {name, MERGED}.difference(self.names)):
            self.gone.append(self.run / name)
        else:
            self.fault(name, text)

    def check(self, name: str, check: Callable[[], Iterator[checks.Said]], *, size: int = 0) -> dict[str, Any]:
        """The facts that checking a file gave; its faults are kept. ``size`` is that of other files it reads."""
        limits = Limits.for_bytes(size + _size(self.run / name), seconds=self.seconds)
        said, ended = guarded(partial(checks.said, self.run / name, check), limits)
        self.found += [(kind, line) for kind, line in said if kind in {"fault", "note"}]
        if ended:
            self.fault(name, f": checking it {ended}")
        facts = {kind: fact for kind, fact in said if kind not in {"fault", "note"}}
        if "gone" in facts:
            self.gone.append(self.run / name)
        return facts


def _size(path: Path) -> int:
    """Bytes that are on the disk: a file with holes may claim any number."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return 0
    return min(status.st_size, 512 * status.st_blocks)


def _look_through(look: Look) -> bool:
    """Whether a writer is at work."""
    alive = bool(LOCK in look.names and look.check(LOCK, partial(checks.check_lock, look.run)).get("alive"))
    facts: dict[str, Any] = {}
    if MANIFEST in look.names:
        facts = look.check(MANIFEST, partial(checks.check_manifest, look.run))
    elif not alive:
        look.fault(MANIFEST, " is missing")
    if "attempts" in facts:
        if facts["status"] == "recording" and not alive:
            look.note(MANIFEST, ": the run was cut off: it says that it is recording, but nobody writes")
        if facts.get("reason"):
            look.note(MANIFEST, f": when it was recorded: {facts['reason']}")
        _look_at_rows(look, facts["status"], alive=alive)
        _look_at_rest(look, facts["directions"])
    else:
        look.note("", f": without its {MANIFEST} the other files cannot be checked")
    _look_at_strangers(look, alive=alive)
    return alive


def _look_at_rows(look: Look, status: str, *, alive: bool) -> None:
    """At segments and journals, and at the log.h5 that shows or replaces them."""
    merged = look.check(MERGED, partial(checks.check_merged, look.run)) if MERGED in look.names else {}
    numbers = sorted({int(match[1]) for name in look.names if (match := NUMBERED.fullmatch(name))})
    found = [part for number in numbers if (part := _part(look, number, alive=alive))]
    if merged.get("shown") == 0:
        for name in filter(NUMBERED.fullmatch, look.names):
            look.note(name, f" is not read, since {MERGED} holds all rows")
        return

    shown = merged.get("shown", 0)
    missing = _look_for_missing(look, numbers, max([shown, *(number + 1 for number in numbers)]))
    if MERGED not in look.names and status != "recording":
        look.lack(MERGED, " is missing; the segments are there" if numbers else _WITH_ROWS)
    _look_at_order(look, found)
    if shown:
        complete = not missing and len(found) == len(numbers)
        size = sum(_size(look.run / part.file) for part in found)
        look.check(MERGED, partial(checks.check_view, look.run, found, complete=complete), size=size)


def _part(look: Look, number: int, *, alive: bool) -> Part | None:
    """What a segment holds, or the journal that becomes one; None if that cannot be known."""
    segment, journal = SEGMENT.format(number), JOURNAL.format(number)
    facts: dict[str, Any] = {}
    if journal in look.names:
        facts = look.check(journal, partial(checks.check_journal, look.run / journal, number, alive=alive))
    if segment in look.names:
        facts = look.check(segment, partial(checks.check_segment, look.run / segment))
        if journal in look.names:
            look.note(journal, f" is not read, since {segment} holds its rows")
    return Part(*facts["part"]) if "part" in facts else None


def _look_for_missing(look: Look, numbers: Sequence[int], count: int) -> bool:
    """Whether some of so many segments are missing."""
    missing = sorted({*range(count)}.difference(numbers))
    for number in missing[:_MOST_MISSING]:
        look.lack(SEGMENT.format(number), _WITH_ROWS)
    if len(missing) > _MOST_MISSING:
        look.fault(SEGMENT.format(missing[-1]), f" and {len(missing) - _MOST_MISSING - 1} more before it are missing")
    return bool(missing)


def _look_at_order(look: Look, parts: Sequence[Part]) -> None:
    """At what one file after another says of steps and attempts."""
    last = attempt = -1
    for part in parts:
        if part.attempt < attempt:
            look.fault(part.file, f": expected attempts in order, got {part.attempt} after {attempt}")
        if part.rows and part.first <= last:
            look.fault(part.file, f": expected rising steps, got {part.first} after {last}")
        if part.rows and last < part.after:
            look.fault("", f": rows after step {last} up to step {part.after} are missing")
        attempt = part.attempt
        last = part.last if part.rows else last


def _look_at_rest(look: Look, sha256: str) -> None:
    """At what is kept beside the log."""
    if DIRECTIONS in look.names:
        look.check(DIRECTIONS, partial(checks.check_directions, look.run, sha256))
    elif sha256:
        look.fault(DIRECTIONS, f" is missing, though {MANIFEST} names its hash")
    for name, check in ((EVALUATION, checks.check_arrays), (WEIGHTS, checks.check_tensors)):
        if name in look.names:
            look.check(name, partial(check, look.run / name))
    for name in look.names:
        if name.startswith(f"{OUTPUTS}/") and OUTPUT.fullmatch(Path(name).name):
            look.check(name, partial(checks.check_outputs, look.run / name))


def _look_at_strangers(look: Look, *, alive: bool) -> None:
    """At names that no file of a run has."""
    for name in look.names:
        folder, _, plain = name.rpartition("/")
        if _TEMPORARY.fullmatch(plain):
            if not alive:
                look.note(name, ": left by a write that did not come to its end; it can be removed")
        elif not (OUTPUT.fullmatch(plain) if folder else plain in {*FILES, LOCK} or NUMBERED.fullmatch(plain)):
            look.note(name, " is no file of a run")
