"""`probes analyze`: runs become tables, figures and a report."""

import json
from pathlib import Path

import click
import pandas as pd

from probes.analysis.claims import records
from probes.analysis.evidence import Evidence
from probes.analysis.findings import report_of, write_report
from probes.analysis.summary import summary_of
from probes.cli.tables import cells, claims_for_people, show
from probes.store import open_logs


@click.command()
@click.argument("root", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Folder for report.html, and a CSV and figures a finding.")
@click.option("--json", "as_json", is_flag=True, help="Print the tables as JSON.")
def command(root: Path, out: Path | None, as_json: bool) -> None:
    """Show what the runs under ROOT won, what they cover together, and what distillation added.

    Files of an earlier report in the folder --out are replaced.

    Example: probes analyze runs/theory --out report
    """
    evidence = Evidence(open_logs(root))
    found = report_of(evidence)
    tables = {"summary": summary_of(evidence), **{panel.name: panel.table for panel in found.panels}}

    if as_json:
        click.echo(json.dumps({name: records(table) for name, table in tables.items()}, indent=2))
    else:
        _print_tables(tables)
    for name, reason in found.absent.items():
        click.echo(f"left out: {name}: {reason}", err=True)
    if out is not None:
        click.echo(f"report: {write_report(found, out)[0]}", err=True)


def _print_tables(tables: dict[str, pd.DataFrame]) -> None:
    """Print what fits a screen: means by role, the claims, coverage, and self-distillation pair by pair."""
    show(*cells(tables["summary"]), title="What each role ends with: means over its runs, errors as rates and in mu")
    if "coverage" in tables:
        shown = ["members", "coverage", "expected", "error_mu"]
        show(
            *cells(tables["coverage"][shown]),
            title="\nWhat K members cover, beside 1 - 2^-K, and their ensemble's error",
        )
    if "pairs" in tables:
        shown = ["run", "own_run", "teacher", "uncovered", "error_mu", "within"]
        show(
            *cells(tables["pairs"][shown]), title="\nSelf-distillation: what the union leaves uncovered, and the error"
        )
    if "claims" in tables:
        show(*cells(claims_for_people(tables["claims"])), title="\nThe theory's claims")
