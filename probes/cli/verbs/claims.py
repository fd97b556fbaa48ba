"""`probes claims`: the theory's claims beside the measurements, of one study or pooled over several seeds."""

import json
from pathlib import Path

import click
import pandas as pd

from probes.analysis.study import Study, open_study
from probes.analysis.sweeps.seeds import is_over_seeds, seed_studies
from probes.analysis.sweeps.table import axes_of, is_sweep, sweep_table
from probes.analysis.theory import claims, records
from probes.analysis.theory.over_seeds import claims_by_seed, claims_over_seeds
from probes.analysis.theory.recipe import is_theory
from probes.analysis.theory.roles import kind_name
from probes.analysis.theory.verdicts import chance_said
from probes.cli.frame_text import cells, claims_for_people
from probes.cli.messages import say
from probes.cli.tables import show
from probes.cli.unreadable_runs import damaged, fail_for
from probes.errors import LogError, UsageError

FAILS = 3


@click.command()
@click.argument("root", type=click.Path(path_type=Path))
@click.option("--by", type=click.Choice(["seed"]), help="Of studies over seeds: the rows of each seed.")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
def command(root: Path, by: str | None, as_json: bool) -> None:
    """Set the theory's claims beside what the runs under ROOT measured, each with a 95 % interval.

    A claim holds where its interval lies in the expected range, fails where it lies outside, and is open where it
    straddles an edge; the measured value alone decides nothing. Exit code 3 where a claim fails; of a claim with
    variants, the one that the recipe stands by counts. A run that cannot be read is named on stderr, the claims are
    those of the others, and the exit code is 1.

    Of studies over seeds, as `probes record theory --seeds 10` records them, claims are pooled: means over seeds with
    intervals of a two-level bootstrap, the spread between seeds, and at how many of them each holds, is open and fails.
    With --by seed the rows of every seed are shown; the exit code is still that of the pooled claims.

    \b
    Example:
      probes claims runs/theory
      probes claims runs/seeds --by seed
    """  # noqa: D301 - the mark that click leaves lines as they are after
    studies, left_out = _studies(root, by)
    pooled = is_over_seeds(root)
    if not studies or not all(map(is_theory, studies.values())):
        raise LogError(_none_to_measure(root))
    table = claims_over_seeds(studies) if pooled else claims(studies[0])
    if table.empty:
        raise LogError(_none_to_measure(root))

    _print(claims_by_seed(studies) if by else table, table.attrs["left_out"], as_json=as_json)
    if still := (table["verdict"] == "open").sum():
        say(f"{still} of {len(table)} claims are open: their intervals straddle an edge of what is expected")
    fail_for({**left_out, **damaged(studies.values())})
    if (table.drop_duplicates("claim")["verdict"] == "fails").any():
        raise click.exceptions.Exit(FAILS)


def _studies(root: Path, by: str | None) -> tuple[dict[int, Study], dict[str, str]]:
    """Return the studies under a root by seed, of one study under 0, and which seeds are left out."""
    if is_over_seeds(root):
        return seed_studies(root)
    if by:
        raise UsageError(f"expected --by seed with studies over seeds, got none under {root}")
    if is_sweep(root):
        varied = ", ".join(axes_of(sweep_table(root)))
        raise UsageError(
            f"expected a study, or studies that differ in their seed alone, got a sweep of {varied} in {root}: name "
            "the folder of a point, or `probes analyze` the sweep"
        )
    return {0: open_study(root)}, {}


def _none_to_measure(root: Path) -> str:
    return (
        f"expected a study whose claims can be measured under {root}, got none of its runs: "
        "`probes record theory` records one"
    )


def _print(table: pd.DataFrame, left_out: dict[str, str], *, as_json: bool) -> None:
    """Print the table, and under it what chance does, what each row rests on, and what was not measured."""
    if as_json:
        click.echo(json.dumps(records(table), indent=2))
        return
    show(*cells(claims_for_people(table)))
    say(chance_said(len(table)), err=False)
    for note, rows in table.groupby("note", sort=False):
        names = dict.fromkeys(kind_name(*pair) for pair in zip(rows["claim"], rows["variant"], strict=True))
        say(f"{', '.join(names)}: {note}", err=False)
    for claim, reason in left_out.items():
        say(f"{claim}: not measured: {reason}", err=False)
