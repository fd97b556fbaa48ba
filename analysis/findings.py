"""Everything at once: tables, figures and the report of a study, as files in one folder."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import pandas as pd

from probes.analysis.claims import claims_of
from probes.analysis.evidence import Evidence
from probes.analysis.facts import each, exponent, single_view_share
from probes.analysis.learned import RULE, LearnedRule
from probes.analysis.panel import Panel
from probes.analysis.panels import PANELS, claims_panel
from probes.analysis.plots.canvas import png
from probes.analysis.report import Report
from probes.errors import LogError
from probes.store.protocol import LogLike

__all__ = ["report", "report_of", "write_findings", "write_report"]


def report(logs: LogLike | Iterable[LogLike], *, title: str = "", rule: LearnedRule = RULE) -> Report:
    """Return the report of a study, ready to be rendered to a stream.

    What cannot be found in the logs, in a study of one's own for example, is named in the report with the reason.

    Args:
        logs: The runs of a study.
        title: Its heading; made from the runs where it is "".
        rule: When a feature counts as learned.

    Raises:
        LogError: If two runs have the same name.

    Example:
        >>> from probes.analysis.example import example_study
        >>> report(example_study()).facts["q"]
        '3'
    """
    return report_of(Evidence(each(logs), rule), title=title)


def report_of(evidence: Evidence, *, title: str = "") -> Report:
    """Return the report from evidence that is already there.

    Example:
        >>> report_of(Evidence([])).title
        'Findings of 0 runs'
    """
    table = claims_of(evidence)

    panels: list[Panel] = [claims_panel(table)] if len(table) else []
    absent: dict[str, str] = dict(table.attrs["left_out"]) if len(table) else {}
    for name, build in PANELS.items():
        try:
            panel = build(evidence)
        except LogError as error:
            absent[name] = str(error)
            continue
        panels += [panel] if panel else []

    return Report(title or _title(evidence), _facts(evidence), table, panels, absent)


def write_findings(
    logs: LogLike | Iterable[LogLike], out_dir: str | Path, *, title: str = "", rule: LearnedRule = RULE
) -> list[Path]:
    """Write report.html, and each panel's CSV, PNG and SVG, into a folder; return their paths, the report's first.

    The folder is made where it is not there; files of an earlier report are replaced.

    Args:
        logs: The runs of a study.
        out_dir: The folder.
        title: The report's heading.
        rule: When a feature counts as learned.

    Raises:
        OSError: If the folder cannot be written.
        LogError: If two runs have the same name.

    Example:
        >>> from probes.analysis.example import example_study
        >>> [path.name for path in write_findings(example_study()[-1], "findings")][:2]
        ['report.html', 'claims.csv']
    """
    return write_report(report(logs, title=title, rule=rule), out_dir)


def write_report(found: Report, out_dir: str | Path) -> list[Path]:
    """Write a report that is already there, as `write_findings` does; return the paths, the report's first.

    Raises:
        OSError: If the folder cannot be written.

    Example:
        >>> [path.name for path in write_report(report([]), "findings")]
        ['report.html', 'runs.csv']
    """
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)

    page = folder / "report.html"
    with page.open("w", encoding="utf-8") as stream:
        found.render(stream)
    return [page, *(path for panel in found.panels for path in _write_panel(panel, folder))]


def _write_panel(panel: Panel, folder: Path) -> list[Path]:
    table = folder / f"{panel.name}.csv"
    table.write_text(panel.csv, encoding="utf-8")
    if panel.figure is None:
        return [table]

    pixels, drawing = folder / f"{panel.name}.png", folder / f"{panel.name}.svg"
    pixels.write_bytes(png(panel.figure))
    drawing.write_text(panel.svg, encoding="utf-8")
    return [table, pixels, drawing]


def _title(evidence: Evidence) -> str:
    studies = {log.manifest.study[:8] for log in evidence.logs} - {""}

    return f"Findings of {len(evidence.study)} runs" + "".join(f", study {name}" for name in sorted(studies))


def _facts(evidence: Evidence) -> dict[str, str]:
    """Return what a reader wants to know first; what the logs do not say is left out."""
    table = evidence.runs
    counts = table["role"].value_counts(sort=False)
    roles = [f"{count} {role or 'without role'}" for role, count in zip(counts.index.astype(str), counts, strict=True)]
    found = {
        "runs": ", ".join(roles),
        "last step": _values(table["last_step"]),
        "classes k": _values(table["classes"]),
        "neurons a class m": _values(table["neurons"]),
        "μ": _values(_stated(single_view_share, evidence.logs)),
        "q": _values(_stated(exponent, evidence.logs)),
        "a feature is learned when": str(evidence.rule),
    }

    return {name: value for name, value in found.items() if value}


def _values(column: "pd.Series[float]") -> str:
    return ", ".join(f"{value:g}" for value in sorted(column.dropna().unique()))


def _stated(read: Callable[[LogLike], float | None], logs: Iterable[LogLike]) -> "pd.Series[float]":
    """Return what those logs say that say it."""
    found = []
    for log in logs:
        with suppress(LogError):
            found.append(read(log))

    return pd.Series(found, dtype=float)
