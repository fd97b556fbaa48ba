"""`probes claims`: the theory's claims beside the measurements."""

import json
from pathlib import Path

import click

from probes.analysis.study import open_study
from probes.analysis.theory import claims, records
from probes.analysis.theory.recipe import is_theory
from probes.analysis.theory.verdicts import chance_said
from probes.cli.frames import cells, claims_for_people
from probes.cli.left_out import damaged, fail_for
from probes.cli.saying import say
from probes.cli.tables import show
from probes.errors import LogError

FAILS = 3


@click.command()
@click.argument("root", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
def command(root: Path, as_json: bool) -> None:
    """Set the theory's claims beside what the runs under ROOT measured, each with a 95 % interval.

    A claim holds where its interval lies in the expected range, fails where it lies outside, and is open where it
    straddles an edge; what the measured value alone would be decides nothing. Exit code 3 where a claim fails; of a
    claim with variants, the one that the recipe stands by counts. A run that cannot be read is named on stderr, the
    claims are those of the others, and the exit code is 1.

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
        say(chance_said(len(table)), err=False)
        for row in table.itertuples(index=False):
            say(f"{row.claim} {row.variant}".rstrip() + f": {row.note}", err=False)
        for claim, reason in table.attrs["left_out"].items():
            say(f"{claim}: not measured: {reason}", err=False)
    fail_for(damaged([study]))
    if still := (table["verdict"] == "open").sum():
        say(f"{still} of {len(table)} claims are open: their intervals straddle an edge of what is expected")
    if (table.drop_duplicates("claim")["verdict"] == "fails").any():
        raise click.exceptions.Exit(FAILS)
