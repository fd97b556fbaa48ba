"""`probes analyze`: runs become tables, figures and a report; studies side by side, where there are several."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import click
import pandas as pd

from probes.analysis.reports.comparison import comparison_of
from probes.analysis.reports.report import Report
from probes.analysis.reports.writing import report_of, write_report
from probes.analysis.sweeps.report import sweep_report
from probes.analysis.sweeps.table import is_sweep
from probes.analysis.theory.evidence import Evidence
from probes.analysis.theory.findings.claims import records
from probes.analysis.theory.findings.summary import summary_of
from probes.analysis.theory.inputs.inputs import is_inputs
from probes.cli.frames import cells, claims_for_people
from probes.cli.tables import show
from probes.logs import open_logs


@click.command()
@click.argument("roots", metavar="ROOT...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Folder for report.html, and a CSV and figures a finding.")
@click.option("--paper", is_flag=True, help="With --out: figures for papers, too, one or two columns wide.")
@click.option("--parquet", is_flag=True, help="With --out: tables as Parquet, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the tables as JSON.")
def command(roots: tuple[Path, ...], out: Path | None, paper: bool, parquet: bool, as_json: bool) -> None:
    """Show what the runs under ROOT won, what they cover together, and what distillation added.

    Several ROOTs are set side by side: claims, means and errors of each, and what their recipes differ in. A ROOT that
    `probes record SWEEP.toml` made becomes maps: what its points measured against what varies. Files of an earlier
    report in the folder --out are replaced.

    Example: probes analyze runs/theory --out report
    """
    if out is None and (paper or parquet):
        raise click.UsageError(
            f"expected --out with --{'paper' if paper else 'parquet'}, got none: name a folder for them"
        )
    found, tables = _found(roots)

    if as_json:
        click.echo(json.dumps({name: records(table) for name, table in tables.items()}, indent=2))
    else:
        _print_tables(tables)
    for name, reason in found.absent.items():
        click.echo(f"left out: {name}: {reason}", err=True)
    if out is not None:
        click.echo(f"report: {write_report(found, out, paper=paper, parquet=parquet)[0]}", err=True)


def _names(roots: tuple[Path, ...]) -> dict[str, Path]:
    """Return every root by its folder's name, or by all of its path where two have the same name."""
    twice = [root for root, count in Counter(root.resolve() for root in roots).items() if count > 1]
    if twice:
        raise click.UsageError(f"expected different folders, got {twice[0]} twice: name each study once")
    short = [root.resolve().name for root in roots]

    return {str(root) if short.count(name) > 1 else name: root for root, name in zip(roots, short, strict=True)}


def _found(roots: tuple[Path, ...]) -> tuple[Report, dict[str, pd.DataFrame]]:
    """Return the report and the tables of a sweep, of a study, or of several."""
    if len(roots) == 1 and is_sweep(roots[0]):
        found = sweep_report(roots[0])
        return found, {panel.name: panel.table for panel in found.panels}
    settings = {name: Evidence(open_logs(root)) for name, root in _names(roots).items()}

    return _study(*settings.values()) if len(settings) == 1 else _settings(settings)


def _study(evidence: Evidence) -> tuple[Report, dict[str, pd.DataFrame]]:
    found = report_of(evidence)
    opening = {} if is_inputs(evidence.logs) else {"summary": summary_of(evidence)}

    return found, {**opening, **{panel.name: panel.table for panel in found.panels}}


def _settings(settings: Mapping[str, Evidence]) -> tuple[Report, dict[str, pd.DataFrame]]:
    found = comparison_of(settings)

    return found, {panel.name: panel.table for panel in found.panels}


def _print_tables(tables: dict[str, pd.DataFrame]) -> None:
    """Print what fits a screen: means by role, the claims, coverage, self-distillation pair by pair, recipes."""
    printed = 0
    for name, (columns, title) in _PRINTED.items():
        if name in tables:
            table = claims_for_people(tables[name]) if name == "claims" else tables[name]
            show(*cells(table[columns or list(table.columns)]), title="\n" * bool(printed) + title)
            printed += 1


# What is printed of each table, all columns where none are named, under which title.
_PRINTED = {
    "map": ([], "What the points measured: means over seeds, errors in mu, the rest as shares"),
    "contrast": (
        ["learner", "networks", "variant", "error_mu", "low", "high", "gain_mu", "gain_low", "gain_high", "gains"],
        "Learners side by side: test errors in mu, and gains over single models",
    ),
    "recipes": ([], "What the recipes differ in"),
    "summary": ([], "What each role ends with: means over its runs, errors as rates and in mu"),
    "settings": ([], "Gaussian inputs: means over seeds of test errors, of what the ensemble gains, and variance"),
    "inputs": (
        ["learner", "networks", "count", "error", "gain", "variance_ratio"],
        "Gaussian inputs: test error, what is gained on single networks, and variance of outputs over theirs",
    ),
    "coverage": (
        ["members", "coverage", "expected", "error_mu"],
        "What K members cover, beside 1 - 2^-K, and their ensemble's error",
    ),
    "pairs": (
        ["run", "own_run", "teacher", "uncovered", "error_mu", "within"],
        "Self-distillation: what the union leaves uncovered, and the error",
    ),
    "claims": ([], "The theory's claims"),
}
