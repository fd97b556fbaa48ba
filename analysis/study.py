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

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property, partial, wraps
from importlib import import_module
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import pandas as pd

from probes.analysis.rule import RULE, LearnedRule
from probes.analysis.taps.own_class import widened
from probes.analysis.taps.tap import Tap, different_directions, taps_of
from probes.errors import LogError
from probes.logs.protocol import LogLike
from probes.logs.runs import open_logs

__all__ = ["Source", "Study", "as_study", "finding", "open_study"]

P = ParamSpec("P")
T = TypeVar("T")

# Runs of these statuses appear among all runs, and in no finding.
_FAILED = frozenset({"diverged", "failed"})
# Where the findings' functions and the report are looked up: they stand above the study, which knows none of them.
_FINDINGS, _REPORT = "probes.analysis.findings.contents", "probes.analysis.reports.study"


class Study:
    """The runs of a study under one rule of what counts as learned.

    A member is a run without parents, a student one that names parents, its teachers; `role` is a label for people.

    Args:
        logs: The runs; one log alone counts as a study of one run.
        rule: When a feature counts as learned.
        members: Glob of the labels of the runs that count as members; "" = all runs without parents.
        students: Likewise of the students; "" = all runs with parents.

    Attributes:
        logs: All runs, whatever became of them.
        rule: When a feature counts as learned.
        statuses: What became of each run at the time of the snapshot, by label.

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
        _check_labels([log.label for log in self.logs])
        self.statuses: Mapping[str, str] = {log.label: log.status for log in self.logs}
        self._found: dict[tuple[Any, ...], Any] = {}

    @cached_property
    def usable(self) -> Sequence[LogLike]:
        """The runs that findings rest on: at least one recorded step, and neither diverged nor failed."""
        return tuple(log for log in self.logs if len(log.steps) and self.statuses[log.label] not in _FAILED)

    @cached_property
    def members(self) -> Sequence[LogLike]:
        """The usable runs without parents, of which ensembles are made; a run that is an ensemble itself is none."""
        return self._chosen("members", [log for log in self.usable if _is_single(log) and not log.manifest.parents])

    @cached_property
    def students(self) -> Sequence[LogLike]:
        """The usable runs with parents, their teachers."""
        return self._chosen("students", [log for log in self.usable if log.manifest.parents])

    @cached_property
    def taps(self) -> Mapping[str, Tap]:
        """What can be analysed as features, by the name of the series, in the order in which runs recorded them.

        Raises:
            LogError: runs have recorded different directions under one name.
        """
        found: dict[str, tuple[str, Tap]] = {}
        for log in self.usable:
            for name, tap in self._taps[log.label].items():
                first, known = found.setdefault(name, (log.label, tap))
                if not tap.same_features(known):
                    raise LogError(different_directions(name, first, log.label, known, tap))

        return {name: tap for name, (_, tap) in found.items()}

    def tap_of(self, log: LogLike, name: str) -> Tap:
        """Return the tap of that name as one of the runs has recorded it, whose units may be others in number."""
        return self._taps[log.label][name]

    def tap(self, name: str | None = None) -> Tap:
        """Return the tap of that name; without one the only tap, or the one called "correlations".

        Raises:
            LogError: there is no tap, none of this name, or several and none is named.
        """
        known = list(self.taps)
        if name is None and (len(known) == 1 or "correlations" in known):
            name = "correlations" if "correlations" in known else known[0]
        if name in self.taps:
            return self.taps[name]
        if not known:
            raise LogError(_no_tap(self.usable or self.logs))
        wanted = "`tap`" if name is None else f"a tap called `{name}`"
        raise LogError(f"expected {wanted}, one of {', '.join(known)}; name it as recorded")

    def with_tap(self, tap: Tap, logs: Sequence[LogLike] | None = None) -> Sequence[LogLike]:
        """Return those of the runs, by default the usable ones, that have recorded a tap."""
        return tuple(log for log in (self.usable if logs is None else logs) if tap.name in self._taps[log.label])

    def teachers(self, student: LogLike) -> Sequence[LogLike]:
        """Return the parents of a run that are among the usable runs: in its own folder, else of that id anywhere."""
        found = [self._parent(student, name) for name in student.manifest.parents]

        return tuple(log for log in found if log is not None)

    @cached_property
    def missing_teachers(self) -> Mapping[str, Sequence[str]]:
        """Students' labels with the ids of those of their parents that are not among the usable runs."""
        missing = {
            log.label: [name for name in log.manifest.parents if self._parent(log, name) is None]
            for log in self.students
        }

        return {label: names for label, names in missing.items() if names}

    def once(self, function: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """Return ``function(study, *arguments, **options)``, computed the first time it is asked for.

        A table is shared with later calls: columns that a caller adds to it stay the caller's own.
        """
        key = (function, _hashable(arguments), tuple((name, _hashable(options[name])) for name in sorted(options)))
        if key not in self._found:
            self._found[key] = function(self, *arguments, **options)
        found: T = self._found[key]

        return found.copy(deep=False) if isinstance(found, pd.DataFrame) else found

    def report(self, folder: str | Path | None = None, *, title: str = "", tap: str | None = None) -> Any:
        """Return the report, after writing report.html and each figure's CSV, PNG and SVG where a folder is named.

        Args:
            folder: Where to write, if anywhere; files of an earlier report are replaced.
            title: Its heading; made from the runs where it is "".
            tap: The only tap to report on; all where it is not given.

        Raises:
            OSError: the folder cannot be written.
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
    def _taps(self) -> Mapping[str, Mapping[str, Tap]]:
        """The taps of every usable run; runs that recorded the same in the same shape share one."""
        known: dict[object, dict[str, Tap]] = {}
        found = {}
        for log in self.usable:
            key = (log.manifest.directions, str(log.series)) if log.manifest.directions else log.label
            if key not in known:
                known[key] = taps_of(log)
            found[log.label] = known[key]

        return found

    def _chosen(self, kind: str, default: Sequence[LogLike]) -> Sequence[LogLike]:
        glob = self._globs[kind]
        if not glob:
            return tuple(default)
        chosen = tuple(log for log in self.usable if fnmatchcase(log.label, glob))
        if not chosen:
            labels = ", ".join(log.label for log in self.usable) or "none"
            raise LogError(f"expected {kind} among the runs {labels}; got `{glob}`, which matches none")
        return chosen

    def _parent(self, student: LogLike, name: str) -> LogLike | None:
        named = [log for log in self.usable if log.manifest.run_id == name]
        beside = [log for log in named if Path(log.label).parent == Path(student.label).parent]
        found = beside or named

        return found[0] if len(found) == 1 else None


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
        LogError: a run.json is damaged, or a glob matches no run.

    Example:
        >>> from probes.logs.manifest import Manifest, write_manifest
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

    @wraps(function)
    def found(source: Source, /, *arguments: P.args, **options: P.kwargs) -> pd.DataFrame:
        return as_study(source).once(function, *arguments, **options)

    return found


def as_study(source: Source) -> Study:
    """Return a study as it is, and logs or the runs under a path as one, by the usual rule."""
    if isinstance(source, Study):
        return source

    return open_study(source) if isinstance(source, str | Path) else Study(source)


def _hashable(value: Any) -> Any:
    return tuple(map(_hashable, value)) if isinstance(value, list | tuple) else value


def _is_single(log: LogLike) -> bool:
    """Whether a run is one network, and not several that were trained together as one."""
    return log.manifest.networks == 1


def _check_labels(labels: Sequence[str]) -> None:
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise LogError(
            f"expected runs of different names, got `{'`, `'.join(twice)}` twice; open the folder above both by "
            "`open_study`, which tells them apart by their paths, or each study by itself"
        )


def _no_tap(logs: Sequence[LogLike]) -> str:
    recorded = list(dict.fromkeys(name for log in logs for name in log.series))
    shown = ", ".join(f"`{name}`" for name in recorded[:5]) + (", ..." if len(recorded) > 5 else "")

    return (
        f"expected a tap, that is a parameter recorded with directions, got {shown or 'no series'}; record one: "
        "`Recorder(path, {parameter: probes.Directions(...)})`, or `probes record --tap NAME=FILE`"
    )
