"""The recorded runs under a directory."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self, overload

from probes.errors import LogError, RunError
from probes.files.text import printable
from probes.log.discovery import find_runs, unreadable
from probes.log.layout import MANIFEST
from probes.log.reader import Log, open_log

__all__ = ["Logs", "open_logs"]


class Logs(Sequence[Log]):
    """Recorded runs, sorted by run_id and path; found by place, by slice or by label.

    Attributes:
        root: The directory that they lie under.
        left_out: What could not be opened: its path below the root, and a line with the reason.

    Example:
        >>> Logs(Path("runs"), []).by_role("single")
        Logs(runs: 0 runs)
    """

    def __init__(self, root: Path, logs: Sequence[Log], left_out: Mapping[str, str] | None = None) -> None:
        self.root = root
        self.left_out: Mapping[str, str] = left_out or {}
        self._logs = sorted(logs, key=lambda log: (_by_number(log.manifest.run_id), log.path))

    def by_role(self, role: str, variant: str | None = None) -> Self:
        """The runs of a role and, if one is named, of its variant."""
        chosen = [log for log in self if log.manifest.role == role and variant in {None, log.manifest.variant}]
        return type(self)(self.root, chosen, self.left_out)

    def __len__(self) -> int:
        return len(self._logs)

    @overload
    def __getitem__(self, index: int | str) -> Log: ...

    @overload
    def __getitem__(self, index: slice) -> Self: ...

    def __getitem__(self, index: int | str | slice) -> Log | Self:
        if isinstance(index, slice):
            return type(self)(self.root, self._logs[index], self.left_out)
        if isinstance(index, int):
            return self._logs[index]

        by_name = {log.label: log for log in self}
        if index not in by_name:
            known = ", ".join(by_name) or "none"
            raise RunError(f"expected a run under `{self.root}`, one of {known}; got `{index}`")
        return by_name[index]

    def __repr__(self) -> str:
        left_out = f", {len(self.left_out)} left out" if self.left_out else ""

        return f"Logs({self.root}: {len(self)} runs{left_out})"


def open_logs(root: str | Path) -> Logs:
    """Every run under a directory, at any depth; a run's directory counts as a root of one.

    Each has a `label` of its own: its run_id or, where several have the same, its path below the root. Runs that cannot
    be opened hide no other: they are in ``left_out`` with the reason, as are links to runs elsewhere.

    Raises:
        RunError: there is no run.
        LogError: no run can be opened: its run.json is damaged or of a newer format, or may not be read.

    Example:
        >>> from probes.log.manifest import Manifest, write_manifest
        >>> for name in ("seed-1", "seed-0"):
        ...     Path("study", name).mkdir(parents=True)
        ...     write_manifest(Path("study", name), Manifest(name, ()))
        >>> [log.manifest.run_id for log in open_logs("study")]
        ['seed-0', 'seed-1']
    """
    root = Path(root).absolute()  # as a log's path is
    folders, left_out = find_runs(root)
    opened: list[Log] = []
    for folder in folders:
        try:
            opened.append(open_log(folder))
        except LogError as error:
            left_out[folder] = str(error)
        except RunError:  # just removed
            continue
        except OSError as error:
            left_out[folder] = printable(unreadable(folder, error))
    if not opened:
        raise _none(root, list(left_out.values()))

    logs = Logs(root, opened, {str(path.relative_to(root)): why for path, why in sorted(left_out.items())})
    for log, label in zip(logs, _labels(logs), strict=True):
        log.label = label
    return logs


def _none(root: str | Path, reasons: Sequence[str]) -> LogError | RunError:
    """The error about a directory where no run can be opened."""
    if not reasons:
        return RunError(f"expected runs under `{root}`, got no {MANIFEST} in or below it; name another directory")
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""

    return LogError(f"{reasons[0]}{more}")


def _labels(logs: Logs) -> list[str]:
    """A name for each run that no other has."""
    names = [log.manifest.run_id for log in logs]
    paths = [log.path.relative_to(logs.root).as_posix() for log in logs]
    labels = [name if names.count(name) == 1 else path for name, path in zip(names, paths, strict=True)]
    return labels if len({*labels}) == len(labels) else paths


def _by_number(run_id: str) -> list[tuple[bool, int, str]]:
    """The key by which seed-2 stands before seed-10."""
    parts = re.split(r"(\d+)", run_id)
    return [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]
