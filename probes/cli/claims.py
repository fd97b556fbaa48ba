"""`probes claims`: the theory's claims beside the measurements."""

import json
from pathlib import Path

import click

from probes.analysis.study import open_study
from probes.analysis.theory import claims, records
from probes.analysis.theory.recipe import is_theory
from probes.cli.frame_text import cells, claims_for_people
from probes.cli.messages import say
from probes.cli.tables import show
from probes.cli.unreadable_runs import damaged, fail_for
from probes.errors import LogError

DOES_NOT_HOLD = 3


@click.command()
@click.argument("root", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
def command(root: Path, as_json: bool) -> None:
    """Set the theory's claims beside what the runs under ROOT measured, each with a 95 % interval.

    Exit code 3 where a claim does not hold; of a claim with variants, the one that the recipe stands by counts. A run
    that cannot be read is named on stderr, the claims are those of the others, and the exit code is 1.

    Example: probes claims runs/theory
    """
    study = open_study(root)
    table = claims(study)
    if table.empty or not is_theory(study):
        raise LogError(
            f"expected a study whose claims can be measured under {root}, got none of its runs: "
            "`probes record theory` records one"
        )

    if as_json:
        click.echo(json.dumps(records(table), indent=2))
    else:
        show(*cells(claims_for_people(table)))
        for row in table.itertuples(index=False):
            say(f"{row.claim} {row.variant}".rstrip() + f": {row.note}", err=False)
        for claim, reason in table.attrs["left_out"].items():
            say(f"{claim}: not measured: {reason}", err=False)
    fail_for(damaged([study]))
    if not table.drop_duplicates("claim").holds.all():
        raise click.exceptions.Exit(DOES_NOT_HOLD)
