"""A folder that is built whole beside its place and then put there at once, the files of an earlier one gone."""

import ctypes
import json
import os
import shutil
from collections.abc import Iterator, Set
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from secrets import token_hex

from probes.errors import LogError, RunError
from probes.files.durable import read_whole

__all__ = ["LISTING", "replacing"]

LISTING = ".report.json"  # the names of the files that were put there, which the next report may take away

_RENAME = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)  # of Linux
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE, see man 2 rename
_MOST_BYTES = 2**22  # of the listing
_PAPER = "paper"  # the only folder in a report


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Give a new folder to write in; its files take the place of an earlier report's once all are written.

    Until then, and where writing fails, the earlier files stay as they are. Files that are no report's stay always.

    Args:
        folder: The place, which need not be there.

    Raises:
        RunError: the disk is full or refuses.

    Example:
        >>> for text in ("one", "other"):
        ...     with replacing(Path("report")) as target:
        ...         _ = (target / f"{text}.csv").write_text(text)
        >>> sorted(path.name for path in Path("report").iterdir())
        ['.report.json', 'other.csv']
    """
    place = Path(os.path.realpath(folder))
    built: Path | None = None
    try:
        built = _begun(place)
        yield built
        names = {path.relative_to(built).as_posix() for path in built.rglob("*") if path.is_file()}
        (built / LISTING).write_text(json.dumps(sorted(names)), encoding="utf-8")
        _put(built, place, names | {LISTING})
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(
            f"expected to write `{folder}`, got {reason}; free space there, or name another place"
        ) from error
    finally:
        if built is not None:
            shutil.rmtree(built, ignore_errors=True)


def _begun(place: Path) -> Path:
    """Make a folder beside the place, or in it where nothing may be made beside."""
    place.parent.mkdir(parents=True, exist_ok=True)
    name = f".{place.name[:100]}.{token_hex(4)}.tmp"
    beside = place.parent / name
    try:
        beside.mkdir()
    except PermissionError:
        if not place.is_dir():
            raise
    else:
        if not place.is_mount():
            return beside
        beside.rmdir()

    (place / name).mkdir()
    return place / name


def _put(built: Path, place: Path, names: Set[str]) -> None:
    """Put all files in place: at once where there is nothing else, else one by one, the page last."""
    if built.parent == place.parent and not place.exists():
        built.rename(place)
        return
    earlier = _listed(place)
    alone = built.parent == place.parent and not Path.cwd().is_relative_to(place)
    if alone and not _others(place, earlier | names) and _exchange(built, place):
        return

    if (place / _PAPER).is_symlink():  # what it leads to is not ours to write to
        (place / _PAPER).unlink()
    for name in sorted(names, key=lambda name: (name.endswith(".html"), name)):
        (place / name).parent.mkdir(exist_ok=True)
        os.replace(built / name, place / name)
    for name in earlier - names:
        (place / name).unlink(missing_ok=True)
    with suppress(OSError):  # there is none, or something is in it
        (place / _PAPER).rmdir()


def _others(place: Path, known: Set[str]) -> bool:
    """Whether there are files that are none of a report's."""
    here = {path.name for path in place.iterdir()}
    paper = place / _PAPER
    if _PAPER in here and paper.is_dir() and not paper.is_symlink():
        here = (here - {_PAPER}) | {f"{_PAPER}/{path.name}" for path in paper.iterdir()}

    return not here <= known


def _exchange(built: Path, place: Path) -> bool:
    """Whether two folders have changed names, in one step; not all systems can."""
    shutil.copymode(place, built)

    return _RENAME is not None and _RENAME(_HERE, os.fsencode(built), _HERE, os.fsencode(place), _EXCHANGE) == 0


def _listed(place: Path) -> set[str]:
    """The files that the last report put there; names that lead elsewhere are none of a report's."""
    try:
        names = json.loads(read_whole(place / LISTING, most=_MOST_BYTES))
    except (FileNotFoundError, LogError, ValueError):
        return set()
    plain = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []

    return {name for name in plain if _is_inside(PurePosixPath(name))} | {LISTING}


def _is_inside(name: PurePosixPath) -> bool:
    return not name.is_absolute() and ".." not in name.parts and name.parts[:-1] in {(), (_PAPER,)} and name.name != ""
