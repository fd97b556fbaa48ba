"""The report of one study: its panels in the order of the findings, and of what is absent the reason."""

import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from pathlib import Path

from probes.analysis.findings.contents import OF_A_STUDY, OF_A_TAP, room
from probes.analysis.findings.features import null_source
from probes.analysis.panel import Panel
from probes.analysis.plots.look import look
from probes.analysis.reports.files import write_report
from probes.analysis.reports.report import Report
from probes.analysis.reports.unread import unread
from probes.analysis.study import Source, Study, as_study
from probes.analysis.taps.tap import Tap
from probes.analysis.theory import report as theory
from probes.analysis.theory.findings.claims import claims
from probes.analysis.theory.recipe import is_theory
from probes.errors import LogError

__all__ = ["report", "report_of"]

# Taps that a report shows; more can be asked for by name.
_TAPS = 8
# What a study of the theory has besides its own findings, which say the rest in their units.
_BESIDE_THEORY = ("scalars", "cost", "runs")
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")  # in the name of a file


@look()
def report(source: Source, *, title: str = "", tap: str | None = None) -> Report:
    """Return the report of a study, ready to be written or rendered to a stream.

    It opens with what was won, what is covered and what distillation added; then comes what each tap shows, what the
    outputs show, what was logged, and what recording cost. What is absent is named with the reason. The theory's claims
    are in the reports of its own studies only.

    Args:
        source: A study, logs, or a path.
        title: Its heading; made from the runs where it is "".
        tap: The only tap to report on; all where it is not given.

    Raises:
        LogError: no run can be analysed, there is no such tap, or two runs have the same name.

    Example:
        >>> from probes.analysis import example_study
        >>> [panel.name for panel in report(example_study()).panels][:3]
        ['winners', 'coverage', 'growth']
    """
    study = as_study(source)
    if not study.usable:
        raise LogError(_unusable(study))
    of_theory = tap is None and is_theory(study)
    panels, absent = _of_the_theory(study) if of_theory else _of_taps(study, tap)
    shown = {panel.name for panel in panels}
    more, missing = _made(study, [name for name in (_BESIDE_THEORY if of_theory else OF_A_STUDY) if name not in shown])
    facts = theory.facts(study) if of_theory else _taps_said(study, tap)
    table = claims(study) if of_theory else None

    return Report(
        title or _title(study),
        _runs_said(study) | facts,
        [*panels, *more],
        absent | missing | _teachers_missing(study) | unread(study),
        claims=table,
    )


def report_of(study: Study, folder: str | Path | None = None, *, title: str = "", tap: str | None = None) -> Report:
    """Return the report of a study, after writing it where a folder is named; see `Study.report`."""
    found = report(study, title=title, tap=tap)
    if folder is not None:
        write_report(found, folder)

    return found


def _of_the_theory(study: Study) -> tuple[list[Panel], dict[str, str]]:
    """Return the panels of the theory, and every feature of its race."""
    panels, absent = theory.panels(study)
    features, missing = _made(study, ["learned"], study.tap())

    return [*panels, *features], absent | missing


def _of_taps(study: Study, name: str | None) -> tuple[list[Panel], dict[str, str]]:
    """Return the panels of one tap, or of the first ones, tap by tap."""
    if name is None and not study.taps:
        try:
            study.tap()
        except LogError as error:
            return [], {"what was won, what is covered, what distillation added": str(error)}
    taps = _shown(study, name)

    panels: list[Panel] = []
    absent: dict[str, str] = {}
    for number, tap in enumerate(taps):
        made, missing = _made(study, OF_A_TAP, tap)
        several = len(taps) > 1
        panels += [_of_tap(panel, tap, plays=number == 0) if several else panel for panel in made]
        absent |= {f"{one} of {tap.name}" if several else one: reason for one, reason in missing.items()}
    absent |= {} if name else study.conflicts
    absent |= {f"{tap.name} of some runs": why for tap in taps if (why := _without(study, tap))}
    left = [] if name else list(study.taps)[_TAPS:]
    if left:
        absent["other taps"] = f"{', '.join(left)}: a report shows {_TAPS} taps; ask for one of these by `--tap NAME`"
    return panels, absent


def _shown(study: Study, name: str | None) -> list[Tap]:
    """Return the tap that is asked for, or those that a report shows."""
    return [study.tap(name)] if name else list(islice(study.taps.values(), _TAPS))


def _without(study: Study, tap: Tap) -> str:
    """Return which of the runs have not recorded a tap that others have; "" where all have."""
    known = {log.label for log in study.with_tap(tap)}
    left = [log.label for log in study.usable if log.label not in known]

    return f"expected it in all runs, got none in {', '.join(left)}" if left else ""


def _made(study: Study, names: Iterable[str], *tap: Tap) -> tuple[list[Panel], dict[str, str]]:
    """Return the panels of some findings, and why others cannot be made."""
    panels: list[Panel] = []
    absent: dict[str, str] = {}
    for name in names:
        module = room(name)
        try:
            panels += [panel for build in getattr(module, "PANELS", [module.panel]) if (panel := build(study, *tap))]
        except LogError as error:
            absent[name] = str(error)
    return panels, absent


def _of_tap(panel: Panel, tap: Tap, *, plays: bool) -> Panel:
    """Return a panel that says of which tap it is; a page has one player, that of the first tap."""
    name = f"{panel.name}-{_UNSAFE.sub('_', tap.name)}"

    return replace(panel, name=name, title=f"{panel.title}: {tap.name}", replays=panel.replays if plays else ())


def _title(study: Study) -> str:
    studies = {log.manifest.study[:8] for log in study.usable} - {""}

    return f"Findings of {len(study.logs)} runs" + "".join(f", study {name}" for name in sorted(studies))


def _runs_said(study: Study) -> dict[str, str]:
    kinds = [f"{len(study.members)} without teachers", *([f"{len(study.students)} students"] * bool(study.students))]
    left = len(study.logs) - len(study.usable) + len({*study.unreadable} - {log.label for log in study.logs})
    last = sorted({int(log.steps[-1]) for log in study.usable})

    return {
        "runs": ", ".join([*kinds, *([f"{left} left out"] if left else [])]),
        "last step": ", ".join(f"{step:,}" for step in last[:6]) + (", ..." if len(last) > 6 else ""),
        "a feature is learned when": str(study.rule),
    }


def _taps_said(study: Study, name: str | None) -> dict[str, str]:
    taps = _shown(study, name)
    rules = {str(study.rule) if tap.own_class else _rule_beside(study, tap): tap for tap in taps}
    said = {tap.name: f"{', '.join(tap.units) or 'no units'} × {', '.join(tap.axes)} {tap.shape}" for tap in taps}

    return {**said, "a feature is learned when": "; ".join(rules)} if rules else {"a feature is learned when": ""}


def _rule_beside(study: Study, tap: Tap) -> str:
    return study.rule.beside(null_source(study, tap.name), statistic="peak" if tap.units else "strength")


def _teachers_missing(study: Study) -> dict[str, str]:
    return {
        f"teachers of {label}": f"expected {', '.join(names)} among the runs, got none of that id that can be used"
        for label, names in study.missing_teachers.items()
    }


def _unusable(study: Study) -> str:
    known = {**study.statuses, **study.unreadable}
    states = ", ".join(f"`{label}` {why}" for label, why in list(known.items())[:5]) or "no run at all"

    return f"expected a run with a recorded step that neither diverged nor failed, got {states}"
