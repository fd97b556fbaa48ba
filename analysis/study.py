"""A study: the runs under a root, opened once, and every table of findings about them, computed once.

A `Study` is a snapshot: manifests, statuses and steps are those of the moment it was opened. It knows no finding. A
finding is a function of a study, made by `finding`, which also takes logs or a path; the study stores its table.

Example:
    >>> from probes.analysis.theory.example import example_study
    >>> study = Study(example_study())
    >>> study
    Study(9 runs: 5 members, 3 students; taps: correlations)
    >>> study.coverage() is not study.coverage(), study.coverage().equals(study.coverage())
    (True, True)
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from fnmatch import fnmatchcase
from functools import cached_property, partial, wraps
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import pandas as pd

from probes.analysis.parents import parent_of
from probes.analysis.refusals import no_tap, same_labels, unreadable
from probes.analysis.rule import RULE, LearnedRule
from probes.analysis.taps.own_class import widened
from probes.analysis.taps.shared import SharedTaps
from probes.analysis.taps.tap import Tap
from probes.errors import LogError
from probes.log.protocol import LogLike
from probes.log.runs import Logs, open_logs

__all__ = ["Source", "Study", "as_study", "finding", "open_study"]

P = ParamSpec("P")
T = TypeVar("T")

# Runs of these statuses appear among all runs, and in no finding.
_FAILED = frozenset({"diverged", "failed"})
# Whether pandas copies what is shared between tables when one of them is changed.
_COPIES_ON_WRITE = int(pd.__version__.split(".")[0]) >= 3
# Where the findings' functions and the report are looked up: they stand above the study, which knows none of them.
_FINDINGS, _REPORT = "probes.analysis.findings.contents", "probes.analysis.reports.study"


class Study:
    """The runs of a study under one rule of what counts as learned.

    A member is a run without parents, a student one that names parents, its teachers; `role` is a label for people.
    Each finding is a method, too: ``study.winners()`` is ``winners(study)``.

    Args:
        logs: The runs; one log alone counts as a study of one run.
        rule: When a feature counts as learned.
        members: Glob of the labels of the runs that count as members; "" = all runs without parents.
        students: Likewise of the students; "" = all runs with parents.

    Attributes:
        logs: All runs, whatever became of them.
        rule: When a feature counts as learned.
        statuses: What became of each run at the time of the snapshot, by label.
        unreadable: What is wrong with runs that cannot be read, by label or path; they are in no finding.

    Raises:
        LogError: two runs have the same label, or a glob matches no run.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> study = Study(example_study(), members="single-*")
        >>> [log.label for log in study.members][:2]
        ['single-00', 'single-01']
    """

    def __init__(
        self,
        logs: LogLike | Iterable[LogLike],
        *,
        rule: LearnedRule = RULE,
        members: str = "",
        students: str = "",
    ) -> None:
        self.logs = tuple(map(widened, logs if isinstance(logs, Iterable) else (logs,)))
        self.rule = rule
        self._globs = {"members": members, "students": students}
        if wrong := same_labels([log.label for log in self.logs]):
            raise LogError(wrong)
        self.statuses: Mapping[str, str] = {log.label: log.status for log in self.logs}
        left_out = logs.left_out if isinstance(logs, Logs) else {}
        self.unreadable = {**left_out, **unreadable(self.logs)}
        self._found: dict[tuple[Any, ...], Any] = {}

    @cached_property
    def usable(self) -> Sequence[LogLike]:
        """The runs that findings rest on: at least one recorded step, and neither diverged, failed nor damaged."""
        readable = [log for log in self.logs if log.label not in self.unreadable]

        return tuple(log for log in readable if len(log.steps) and self.statuses[log.label] not in _FAILED)

    @cached_property
    def members(self) -> Sequence[LogLike]:
        """The usable runs without parents, of which ensembles are made; a run that is an ensemble itself is none."""
        return self._chosen(
            "members", [log for log in self.usable if log.manifest.networks == 1 and not log.manifest.parents]
        )

    @cached_property
    def students(self) -> Sequence[LogLike]:
        """The usable runs with parents, their teachers."""
        return self._chosen("students", [log for log in self.usable if log.manifest.parents])

    @property
    def taps(self) -> Mapping[str, Tap]:
        """What can be analysed as features, by the name of the series, in the order in which runs recorded them."""
        return self._shared.taps

    @property
    def conflicts(self) -> Mapping[str, str]:
        """What is wrong with series under whose name runs have recorded different features; they are no taps."""
        return self._shared.conflicts

    def tap_of(self, log: LogLike, name: str) -> Tap:
        """Return the tap of that name as one of the runs has recorded it, whose units may be others in number."""
        return self._shared.by_run[log.label][name]

    def tap(self, name: str | None = None) -> Tap:
        """Return the tap of that name; without one the only tap, or the one called "correlations".

        Raises:
            LogError: there is no tap, none of this name, several and none is named, or runs differ in its directions.
        """
        known = list(self.taps)
        conflict = self.conflicts.get(name or "", "" if known else next(iter(self.conflicts.values()), ""))
        if conflict:
            raise LogError(conflict)
        if not known:
            raise LogError(no_tap(self.usable or self.logs))
        default = known[0] if len(known) == 1 else "correlations"
        wanted = default if name is None else name
        if wanted in self.taps:
            return self.taps[wanted]
        missing = "`tap`" if name is None else f"a tap called `{name}`"
        raise LogError(f"expected {missing}, one of {', '.join(known)}; name it as recorded")

    def with_tap(self, tap: Tap, logs: Sequence[LogLike] | None = None) -> Sequence[LogLike]:
        """Return those of the runs, by default the usable ones, that have recorded a tap."""
        known = self._shared.by_run

        return tuple(log for log in (self.usable if logs is None else logs) if tap.name in known[log.label])

    def teachers(self, student: LogLike) -> Sequence[LogLike]:
        """Return the parents of a run that are among the usable runs; of several of one id the nearest folder's."""
        found = [parent_of(student, name, self.usable) for name in student.manifest.parents]

        return tuple(log for log in found if log is not None)

    @cached_property
    def missing_teachers(self) -> Mapping[str, Sequence[str]]:
        """Students' labels with the ids of those of their parents that are not among the usable runs."""
        missing = {
            log.label: [name for name in log.manifest.parents if parent_of(log, name, self.usable) is None]
            for log in self.students
        }

        return {label: names for label, names in missing.items() if names}

    def once(self, function: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """Return ``function(study, *arguments, **options)``, computed the first time it is asked for.

        What a caller changes in a table stays the caller's own.
        """
        key = (function, _hashable(arguments), tuple((name, _hashable(options[name])) for name in sorted(options)))
        if key not in self._found:
            self._found[key] = function(self, *arguments, **options)
        found: T = self._found[key]

        return found.copy(deep=not _COPIES_ON_WRITE) if isinstance(found, pd.DataFrame) else found

    def report(self, folder: str | Path | None = None, *, title: str = "", tap: str | None = None) -> Any:
        """Return the report, after writing report.html and each figure's CSV, PNG and SVG where a folder is named.

        Args:
            folder: Where to write, if anywhere; files of an earlier report are replaced.
            title: Its heading; made from the runs where it is "".
            tap: The only tap to report on; all where it is not given.

        Raises:
            RunError: the folder cannot be written.
        """
        return import_module(_REPORT).report_of(self, folder, title=title, tap=tap)

    def __getattr__(self, name: str) -> Callable[..., pd.DataFrame]:
        if name.startswith("_"):
            raise AttributeError(f"a Study has no attribute {name!r}")
        found: Callable[..., pd.DataFrame] | None = import_module(_FINDINGS).named(name)
        if found is None:
            raise AttributeError(f"a Study has no attribute or finding {name!r}; one of {', '.join(dir(self))}")

        return partial(found, self)

    def __dir__(self) -> list[str]:
        own = [name for name in super().__dir__() if not name.startswith("_")]

        return sorted({*own, *import_module(_FINDINGS).tables()})

    def __repr__(self) -> str:
        taps = ", ".join(self.taps) or "none"

        return f"Study({len(self.logs)} runs: {len(self.members)} members, {len(self.students)} students; taps: {taps})"

    @cached_property
    def _shared(self) -> SharedTaps:
        return SharedTaps(self.usable)

    def _chosen(self, kind: str, default: Sequence[LogLike]) -> Sequence[LogLike]:
        glob = self._globs[kind]
        if not glob:
            return tuple(default)
        chosen = tuple(log for log in self.usable if fnmatchcase(log.label, glob))
        if not chosen:
            labels = ", ".join(log.label for log in self.usable) or "none"
            raise LogError(f"expected {kind} among the runs {labels}; got `{glob}`, which matches none")
        return chosen


Source = Study | LogLike | Iterable[LogLike] | str | Path


def open_study(root: str | Path, *, rule: LearnedRule = RULE, members: str = "", students: str = "") -> Study:
    """Return the study of all runs under a folder, at any depth, as they are now.

    Args:
        root: The folder; a run's own folder is a study of one run.
        rule: When a feature counts as learned.
        members: Glob of the labels of the runs that count as members; "" = all runs without parents.
        students: Likewise of the students; "" = all runs with parents.

    Raises:
        RunError: there is no run.
        LogError: no run can be opened, or a glob matches none.

    Example:
        >>> from probes.log.manifest import Manifest, write_manifest
        >>> Path("study/seed-0").mkdir(parents=True)
        >>> write_manifest("study/seed-0", Manifest("seed-0", ()))
        >>> open_study("study")
        Study(1 runs: 0 members, 0 students; taps: none)
    """
    return Study(open_logs(root), rule=rule, members=members, students=students)


def finding(function: Callable[Concatenate[Study, P], pd.DataFrame]) -> Callable[Concatenate[Source, P], pd.DataFrame]:
    """Return a function of a study as one that also takes logs or a path, and whose table a study computes once.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> @finding
        ... def labels(study: Study) -> pd.DataFrame:
        ...     return pd.DataFrame({"run": [log.label for log in study.logs]})
        >>> len(labels(example_study()))
        9
    """
    shape = signature(function)

    @wraps(function)
    def found(source: Source, /, *arguments: P.args, **options: P.kwargs) -> pd.DataFrame:
        study = as_study(source)
        given = shape.bind(study, *arguments, **options)
        given.apply_defaults()
        asked = dict(list(given.arguments.items())[1:])
        if "tap" in asked:  # the only tap and its name are one question
            asked["tap"] = study.tap(asked["tap"]).name
        return study.once(function, **asked)

    return found


def as_study(source: Source) -> Study:
    """Return a study as it is, and logs or the runs under a path as one, by the usual rule."""
    if isinstance(source, Study):
        return source

    return open_study(source) if isinstance(source, str | Path) else Study(source)


def _hashable(value: Any) -> Any:
    many = isinstance(value, Iterable) and not isinstance(value, str | bytes)

    return tuple(map(_hashable, sorted(value) if isinstance(value, Set) else value)) if many else value
