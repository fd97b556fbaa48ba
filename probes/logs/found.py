"""Where under a directory the runs are, and what there cannot be opened."""

import os
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from probes.files.text import printable
from probes.log.layout import MANIFEST, MERGED, NUMBERED

__all__ = ["find_runs"]

_MOST_BELOW = 1000  # entries of a linked directory that are looked at


def find_runs(root: str | Path) -> tuple[list[Path], dict[Path, str]]:
    """Return the directories of runs below a directory, itself included, and what is left out with the reason.

    Left out are directories that cannot be read, rows without a run.json, and links to runs elsewhere, which are not
    followed, so that no run lies outside of the root; a link to a run that is found anyway is nothing to report.

    Example:
        >>> for file in ("whole/run.json", "half/log.h5"):
        ...     Path(file).parent.mkdir()
        ...     Path(file).touch()
        >>> runs, left_out = find_runs(".")
        >>> [run.name for run in runs], [reason for reason in left_out.values()]
        (['whole'], ['`half`: expected a run.json beside its rows, got none; copy the run anew'])
    """
    runs: list[Path] = []
    left_out: dict[Path, str] = {}
    links: list[Path] = []
    for name, below, files in os.walk(root, onerror=lambda error: left_out.update(_unreadable(error))):
        folder = Path(name)
        if _is_run(files):
            below.clear()
            if MANIFEST in files:
                runs.append(folder)
            else:
                left_out[folder] = f"`{folder}`: expected a {MANIFEST} beside its rows, got none; copy the run anew"
        links += [folder / one for one in below if (folder / one).is_symlink()]

    left_out |= _linked(links, {run.resolve() for run in runs})
    return runs, {path: printable(reason) for path, reason in left_out.items()}


def unreadable(path: str | Path, error: OSError) -> str:
    """Return what is wrong with a run that the system does not let one read."""
    return (
        f"`{path}` cannot be read: {error.strerror or error}; give yourself the right to read it, or copy the run anew"
    )


def _unreadable(error: OSError) -> dict[Path, str]:
    """The line about a directory; none about what is not there, or no longer."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return {}

    return {Path(error.filename): unreadable(error.filename, error)}


def _linked(links: Sequence[Path], found: set[Path]) -> dict[Path, str]:
    """The links through which there are runs that were not found without them."""
    elsewhere = {link: link.resolve() for link in links}

    return {
        link: f"`{link}` is a link to `{target}`, and links are not followed; name that folder, or copy the runs here"
        for link, target in elsewhere.items()
        if _runs_at(target) - found
    }


def _runs_at(folder: Path) -> set[Path]:
    """The runs at a directory or directly below it."""
    try:
        below = [folder, *(one for one in islice(folder.iterdir(), _MOST_BELOW) if not one.is_symlink())]
        return {one.resolve() for one in below if (one / MANIFEST).is_file()}
    except OSError:  # it leads nowhere, or is nobody's business
        return set()


def _is_run(files: Sequence[str]) -> bool:
    return any(name in {MANIFEST, MERGED} or NUMBERED.fullmatch(name) for name in files)
