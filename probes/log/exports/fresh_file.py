"""A large file that appears whole or not at all, written by whoever needs a path to write to."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from probes.errors import RunError
from probes.files.durable import create_beside, is_there, sync_folder

__all__ = ["fresh"]


@contextmanager
def fresh(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """A path to write to, beside ``path``, which becomes that once all is written; nothing of it stays if not.

    Raises:
        RunError: there is a file at ``path`` and it may not be overwritten, or the disk is full or refuses.

    Example:
        >>> with fresh(Path("table.csv")) as target:
        ...     _ = target.write_text("step,value")
        >>> [each.name for each in Path().iterdir()]
        ['table.csv']
    """
    check_free(path, overwrite=overwrite)
    try:
        with create_beside(path) as (_, temporary):
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(f"expected to write `{path}`, got {reason}; free space there, or name another place") from error


def check_free(path: Path, *, overwrite: bool) -> None:
    """Refuse a path where there is something already."""
    if not overwrite and is_there(path):
        raise RunError(f"expected nothing at `{path}`, got a file; name another, or overwrite it (--force)")
