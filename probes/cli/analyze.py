"""`probes analyze`: runs become tables, figures and a report."""

import json
from pathlib import Path

import click

from probes.analysis.claims import claims_of
from probes.analysis.evidence import Evidence
from probes.analysis.findings import report_of, write_report
from probes.analysis.summary import summary_of
from probes.cli.tables import cells, claims_table, show
from probes.errors import LogError
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
    tables = {"runs": evidence.runs, "summary": summary_of(evidence), "coverage": evidence.coverage}
    ...
