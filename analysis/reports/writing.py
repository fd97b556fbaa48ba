"""Everything at once: tables, figures and the report of a study, as files in one folder."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import pandas as pd

from probes.analysis.facts import each, exponent, single_view_share
from probes.analysis.findings.learned import RULE, LearnedRule
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import paper as on_paper
from probes.analysis.plots.canvas import png
from probes.analysis.reports.report import Report
from probes.analysis.theory.evidence import Evidence
from probes.analysis.theory.findings.claims import claims_of
from probes.analysis.theory.inputs.inputs import is_inputs
from probes.analysis.theory.inputs.panels import INPUT_PANELS
from probes.analysis.theory.panels import PANELS, claims_panel
from probes.analysis.theory.panels_replay import replay_panel
from probes.errors import LogError
from probes.logs.protocol import LogLike

__all__ = ["report", "report_of", "write_findings", "write_report"]

# Panels that answer what was won, what is covered and what distillation added.
_QUESTIONS = ("winners", "coverage", "growth")


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
        >>> from probes.analysis.theory.example import example_study
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

    panels, reasons = _built(evidence)
    if len(table):
        panels.insert(sum(panel.name in _QUESTIONS for panel in panels), claims_panel(table))
    absent = (dict(table.attrs["left_out"]) if len(table) else {}) | reasons

    return Report(title or _title(evidence), _facts(evidence), table, panels, absent)


def _built(evidence: Evidence) -> tuple[list[Panel], dict[str, str]]:
    """Return the panels that can be made, the film after the three questions, and why the others cannot."""
    panels: list[Panel] = []
    absent: dict[str, str] = {}
    special = is_inputs(evidence.logs)
    builders = list((INPUT_PANELS if special else PANELS).items())
    builders[len(_QUESTIONS) : len(_QUESTIONS)] = [] if special else [("the race, neuron by neuron", replay_panel)]

    for name, build in builders:
        try:
            panel = build(evidence)
        except LogError as error:
            absent[name] = str(error)
            continue
        panels += [panel] if panel else []
    return panels, absent


def write_findings(
    logs: LogLike | Iterable[LogLike],
    out_dir: str | Path,
    *,
    title: str = "",
    rule: LearnedRule = RULE,
    paper: bool = False,
    parquet: bool = False,
) -> list[Path]:
    """Write report.html, and each panel's CSV, PNG and SVG, into a folder; return their paths, the report's first.

    The folder is made where it is not there; files of an earlier report are replaced.

    Args:
        logs: The runs of a study.
        out_dir: The folder.
        title: The report's heading.
        rule: When a feature counts as learned.
        paper: Write figures for papers, too, one or two columns wide, as paper/NAME.svg and .png.
        parquet: Write tables as Parquet, too, with their full digits; needs pyarrow.

    Raises:
        OSError: If the folder cannot be written.
        LogError: If two runs have the same name, or pyarrow is asked for and not installed.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> [path.name for path in write_findings(example_study()[-1], "findings")][:2]
        ['report.html', 'winners.csv']
    """
    return write_report(report(logs, title=title, rule=rule), out_dir, paper=paper, parquet=parquet)


def write_report(found: Report, out_dir: str | Path, *, paper: bool = False, parquet: bool = False) -> list[Path]:
    """Write a report that is already there, as `write_findings` does; return the paths, the report's first.

    Raises:
        OSError: If the folder cannot be written.
        LogError: If pyarrow is asked for and not installed.

    Example:
        >>> [path.name for path in write_report(report([]), "findings")]
        ['report.html', 'runs.csv']
    """
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)

    page = folder / "report.html"
    with page.open("w", encoding="utf-8") as stream:
        found.render(stream)
    writers = [_write_panel, *([_write_paper] if paper else []), *([_write_parquet] if parquet else [])]
    return [page, *(path for panel in found.panels for write in writers for path in write(panel, folder))]


def _write_panel(panel: Panel, folder: Path) -> list[Path]:
    table = folder / f"{panel.name}.csv"
    table.write_text(panel.csv, encoding="utf-8")
    if panel.figure is None:
        return [table]

    pixels, drawing = folder / f"{panel.name}.png", folder / f"{panel.name}.svg"
    pixels.write_bytes(png(panel.figure))
    drawing.write_text(panel.svg, encoding="utf-8")
    return [table, pixels, drawing]


def _write_paper(panel: Panel, folder: Path) -> list[Path]:
    if panel.figure is None:
        return []
    (folder / "paper").mkdir(exist_ok=True)
    found = {folder / "paper" / f"{panel.name}{suffix}": data for suffix, data in on_paper(panel.figure).items()}

    for path, data in found.items():
        path.write_bytes(data)
    return list(found)


def _write_parquet(panel: Panel, folder: Path) -> list[Path]:
    path = folder / f"{panel.name}.parquet"
    table = panel.table.copy(deep=False)
    table.attrs = {}
    try:
        table.to_parquet(path, index=False)
    except ImportError as error:
        raise LogError(
            "expected pyarrow, which Parquet files need, got none installed; pip install 'feature-probes[parquet]'"
        ) from error

    return [path]


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
