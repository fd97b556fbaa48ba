"""The recorded runs under a directory."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self, overload

from probes.errors import RunError
from probes.logs.layout import MANIFEST
from probes.logs.reader import Log, open_log

__all__ = ["Logs", "open_logs"]


class Logs(Sequence[Log]):
    """Recorded runs, sorted by run_id and path; found by place, by slice or by label.

    Example:
        >>> Logs(Path("runs"), []).by_role("single")
        Logs(runs: 0 runs)
    """

    def __init__(self, root: Path, logs: Sequence[Log]) -> None:
        self.root = root
        self._logs = sorted(logs, key=lambda log: (log.manifest.run_id, log.path))

    def by_role(self, role: str, variant: str | None = None) -> Self:
        """The runs of a role and, if one is named, of its variant."""
        chosen = [log for log in self if log.manifest.role == role and variant in {None, log.manifest.variant}]
        return type(self)(self.root, chosen)

    def __len__(self) -> int:
        return len(self._logs)

    @overload
    def __getitem__(self, index: int | str) -> Log: ...

    @overload
    def __getitem__(self, index: slice) -> Self: ...

    def __getitem__(self, index: int | str | slice) -> Log | Self:
        if isinstance(index, slice):
            return type(self)(self.root, self._logs[index])
        if isinstance(index, int):
            return self._logs[index]

        by_name = {log.label: log for log in self}
        if index not in by_name:
            known = ", ".join(by_name) or "none"
            raise RunError(f"expected a run under `{self.root}`, one of {known}; got `{index}`")
        return by_name[index]

    def __repr__(self) -> str:
        return f"Logs({self.root}: {len(self)} runs)"


def open_logs(root: str | Path) -> Logs:
    """Every run under a directory, at any depth; a run's directory counts as a root of one.

    Each has a `label` of its own: its run_id or, where several have the same, its path below the root.

    Raises:
        RunError: there is no run.
        LogError: a run.json is damaged or of a newer format.

    Example:
        >>> from probes.logs.manifest import Manifest, write_manifest
        >>> for name in ("seed-1", "seed-0"):
        ...     Path("study", name).mkdir(parents=True)
        ...     write_manifest(Path("study", name), Manifest(name, ()))
        >>> [log.manifest.run_id for log in open_logs("study")]
        ['seed-0', 'seed-1']
    """
    root = Path(root).absolute()  # as a log's path is
    logs = Logs(root, [open_log(folder) for folder in _run_folders(root)])
    if not logs:
        raise RunError(f"expected runs under `{root}`, got no {MANIFEST} in or below it; name another directory")
    for log, label in zip(logs, _labels(logs), strict=True):
        log.label = label
    return logs


def _labels(logs: Logs) -> list[str]:
    """A name for each run that no other has."""
    names = [log.manifest.run_id for log in logs]
    paths = [log.path.relative_to(logs.root).as_posix() for log in logs]
    labels = [name if names.count(name) == 1 else path for name, path in zip(names, paths, strict=True)]
    return labels if len({*labels}) == len(labels) else paths


def _run_folders(root: Path) -> Iterator[Path]:
    """Links are not followed, so that no run lies outside of the root."""
    for folder, below, files in os.walk(root):
        if MANIFEST in files:
            below.clear()
            yield Path(folder)
