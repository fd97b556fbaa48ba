"""Whether a run is whole: every byte of it is read and every rule held against it, in processes that may be lost."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from probes.errors import RunError
from probes.files.text import printable
from probes.log.layout import MANIFEST, MERGED, NUMBERED

__all__ = ["Finding", "faults", "run_folders", "verify"]

# The path is this process's own; -P keeps the working directory off it until then, where a stranger's numpy.py may lie.
_CHECKER = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from probes.log.verification.audit import serve; serve()"
)
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # a process with threads is not to be forked


@dataclass(frozen=True)
class Finding:
    """One thing to say of a run.

    Example:
        >>> Finding(Path("seed-0"), "`seed-0/old.txt` is no file of a run", is_fault=False).is_fault
        False
    """

    run: Path
    text: str  # one line, with the file in it
    is_fault: bool  # else it is worth to know and no more


def faults(run_dir: str | Path, *, seconds: int | None = None) -> Iterator[str]:
    """A line for every fault of a run; none if it is whole.

    Args:
        run_dir: Directory of the run, which may be hostile and may be written meanwhile.
        seconds: Of the processor that checking one file may take; as many as its size allows if None.

    Raises:
        RunError: the directory cannot be read, or checking could not go on.

    Example:
        >>> from probes.log.manifest import Manifest, write_manifest
        >>> Path("seed-0").mkdir()
        >>> write_manifest("seed-0", Manifest("seed-0", (), status="finished"))
        >>> list(faults("seed-0"))
        ['`seed-0/log.h5` is missing, and its rows with it']
    """
    return (found.text for found in verify([Path(run_dir)], seconds=seconds) if found.is_fault)


def verify(runs: Sequence[Path], *, seconds: int | None = None) -> Iterator[Finding]:
    """The same for many runs, with what is worth to know beside the faults.

    Raises:
        RunError: a directory cannot be read, or checking could not go on.

    Example:
        >>> list(verify([]))
        []
    """
    command = [sys.executable, "-P", "-c", _CHECKER, json.dumps(sys.path)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | _ONE_THREAD,
        start_new_session=True,
        text=True,
    ) as checker:
        try:
            yield from _heard(checker, {"runs": list(map(str, runs)), "seconds": seconds})
        finally:
            if checker.poll() is None:  # its caller has lost interest
                os.killpg(checker.pid, signal.SIGKILL)


def run_folders(paths: Iterable[Path]) -> list[Path]:
    """Every directory at or below the paths that holds a file of a run, whether or not it holds a whole one.

    A directory that cannot be read counts as one, which is a fault to be found. Links are not followed.

    Raises:
        RunError: there is none at or below a path.

    Example:
        >>> Path("runs/seed-0").mkdir(parents=True)
        >>> Path("runs/seed-0/seg-000000.wal").touch()
        >>> [folder.name for folder in run_folders([Path("runs")])]
        ['seed-0']
    """
    found: dict[Path, None] = {}
    for path in paths:
        closed: list[Path] = []
        walk = os.walk(path, onerror=partial(_note, closed))
        below = [Path(folder) for folder, folders, files in walk if _is_run([*folders, *files])] + closed
        if not below:
            raise RunError(f"expected runs at or below `{path}`, got no file of one; name another directory")
        found |= dict.fromkeys(sorted(below))
    return list(found)


def _note(closed: list[Path], error: OSError) -> None:
    """Note the directory that cannot be read, and none that is not there."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        closed.append(Path(error.filename))


def _is_run(names: Sequence[str]) -> bool:
    return any(name in {MANIFEST, MERGED} or NUMBERED.fullmatch(name) for name in names)


def _heard(checker: subprocess.Popen[str], request: dict[str, Any]) -> Iterator[Finding]:
    """What the process finds, until it has done what is requested."""
    if checker.stdin is None or checker.stdout is None or checker.stderr is None:
        return  # cannot be, with pipes
    with suppress(BrokenPipeError):
        json.dump(request, checker.stdin)
        checker.stdin.close()
    for line in checker.stdout:
        run, kind, text = json.loads(line)
        yield Finding(Path(run), printable(text), kind == "fault")

    last = checker.stderr.read().strip().splitlines()[-1:] or ["nothing"]
    if checker.wait():
        raise RunError(
            f"expected to check {len(request['runs'])} runs, got {printable(last[0])}; check them one by one"
        )
