"""What a power cut leaves of a folder: what was synced, and by chance more.

Names: a folder shows them as of some moment since it was last synced, as file systems with a journal do. Contents: what
a file held when it was last synced is there; what was written later may be there, in part, or be zeros. What could not
be synced is forgotten: the next sync goes well and does not make it safe, unless it was written again.
"""

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np

__all__ = ["Disk"]

Names = dict[str, int]  # name in a folder -> which file; folders are less than 0


class Disk:
    """Keeps account of what is safe below a folder; its methods are for a `Seam` to call.

    Args:
        folder: All that is in it counts as safe now.
    """

    def __init__(self, folder: Path) -> None:
        self._root = Path(os.path.realpath(folder))
        self._new = count(1)
        self._files: dict[str, int] = {}  # path -> which file
        self._safe: dict[int, bytes] = {}  # file -> content that is safe
        self._gone: dict[int, bytes] = {}  # file that lost its name -> what it held
        self._failed: dict[int, bytes] = {}  # file that could not be synced -> what it held then
        self._names: dict[str, list[Names]] = {}  # folder -> what it showed, since it was last synced
        for path in [self._root, *sorted(self._root.rglob("*"))]:
            if path.is_dir():
                self._names[str(path)] = [{}]
            else:
                self._files[str(path)] = next(self._new)
                self._safe[self._files[str(path)]] = path.read_bytes()
        for folder_path in self._names:
            self._names[folder_path] = [self._shown(folder_path)]

    def before(self, name: str, path: str, to: str) -> None:
        """Take note of a file that is about to lose its name."""
        victim = to if name in {"replace", "rename"} else path if name in {"unlink", "remove"} else ""
        if victim in self._files:
            self._gone[self._files.pop(victim)] = Path(victim).read_bytes()

    def after(self, name: str, path: str, to: str) -> None:
        """Take note of a call that went well."""
        if name.startswith("fsync"):
            self._sync(path, failed=name.endswith("failed"))
            return
        if name == "mkdir":
            self._names[path] = [{}]
        elif name in {"replace", "rename"}:
            self._files[to] = self._files.pop(path)
        elif name == "open" and path not in self._files:
            self._files[path] = next(self._new)
        elif name not in {"unlink", "remove", "rmdir"}:
            return
        for changed in {str(Path(place).parent) for place in (path, to) if place}:
            self._names[changed].append(self._shown(changed))

    def _sync(self, path: str, *, failed: bool) -> None:
        file = self._files.get(path, 0)
        if file and failed:
            self._failed[file] = Path(path).read_bytes()
        elif file:
            self._safe[file] = _synced(Path(path).read_bytes(), self._safe.get(file, b""), self._failed.get(file, b""))
        elif path in self._names and not failed:
            self._names[path] = [self._shown(path)]

    def _shown(self, folder: str) -> Names:
        inside = {Path(path).name: file for path, file in self._files.items() if str(Path(path).parent) == folder}
        return inside | {Path(path).name: -1 for path in self._names if str(Path(path).parent) == folder}

    def cut(self, target: Path, rng: np.random.Generator, *, luck: float = 0.5) -> None:
        """Make in an empty folder what is left.

        Args:
            target: The folder.
            rng: Draws what is left of what was not synced.
            luck: Chance of a folder to show more than it must, and of a file to hold more.
        """
        for path, content in self._left(str(self._root), rng, luck):
            place = target / Path(path).relative_to(self._root)
            place.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                place.mkdir(exist_ok=True)
            else:
                place.write_bytes(content)

    def _left(self, folder: str, rng: np.random.Generator, luck: float) -> Iterator[tuple[str, bytes | None]]:
        yield folder, None
        shown = self._names[folder]
        names = shown[int(rng.integers(len(shown)))] if rng.random() < luck else shown[0]
        for name, file in names.items():
            path = str(Path(folder, name))
            if file < 0:
                yield from self._left(path, rng, luck)
            else:
                safe = self._safe.get(file, b"")
                yield path, _drawn(safe, self._content(file), rng) if rng.random() < luck else safe

    def _content(self, file: int) -> bytes:
        path = next((path for path, one in self._files.items() if one == file), "")
        return Path(path).read_bytes() if path else self._gone[file]


def _synced(now: bytes, before: bytes, failed: bytes) -> bytes:
    """The content that a sync makes safe: as now, but as before where it has not changed since one that failed."""
    size = len(now)
    content, safe, lost = (np.frombuffer(one.ljust(size, b"\0")[:size], "u1") for one in (now, before, failed))
    return np.where((np.arange(size) < len(failed)) & (content == lost), safe, content).tobytes()


def _drawn(safe: bytes, now: bytes, rng: np.random.Generator) -> bytes:
    """The content as of now, cut off, or with zeros where it was not synced; all of it is the most likely."""
    cut = int(rng.integers(min(len(safe), len(now)), len(now) + 1))
    return [now, now, now[:cut], now[:cut] + bytes(len(now) - cut)][int(rng.integers(4))]
