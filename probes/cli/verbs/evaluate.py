"""`probes evaluate`: measure a run again from its kept weights."""

import json
from pathlib import Path

import click

from probes.analysis import open_study
from probes.analysis.findings.outputs import outputs
from probes.analysis.theory import error_rates
from probes.cli.tables import show
from probes.studies import evaluate_run


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the errors as JSON.")
def command(run: Path, as_json: bool) -> None:
    """Measure RUN again on the study's training set and fixed test sets, and store the result with it.

    Example: probes evaluate runs/theory/single-00-1a2b3c4d
    """
    evaluate_run(run)
    study = open_study(run)
    errors = error_rates(study)
    errors = outputs(study) if errors.empty else errors
    if as_json:
        click.echo(json.dumps(json.loads(errors.to_json(orient="records")), indent=2))
        return

    show(list(errors.columns), [[str(value) for value in row] for row in errors.itertuples(index=False)])
