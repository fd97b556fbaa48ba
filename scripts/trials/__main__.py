"""Try the store and print what came of it as a table, or as JSON."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from tests.torture.outcome import KINDS, Outcome, kind_of, tried

from probes.cli.tables import show


@click.command()
@click.argument("kinds", nargs=-1, type=click.Choice(KINDS))
@click.option("--count", type=click.IntRange(1), help="Cases of each kind (default: as many as the kind says).")
@click.option(
    "--first", type=click.IntRange(0), default=0, help="Number of the first case; of a failure, to see it again."
)
@click.option("--seed", type=click.IntRange(0), default=0, help="Of all that is drawn.")
@click.option("--workers", type=click.IntRange(1), default=2, help="Processes that share the cases.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcomes as JSON.")
def main(kinds: tuple[str, ...], *, count: int | None, first: int, seed: int, workers: int, as_json: bool) -> None:
    """Try every way of KINDS (default: all) in which a log could be lost; the exit code is 1 if one is found."""
    outcomes = []
    for name in kinds or KINDS:
        click.echo(f"trying {name} ...", err=True)
        with TemporaryDirectory(prefix="torture-") as folder:
            cases = count or kind_of(name).COUNT
            outcomes.append(tried(name, Path(folder), count=cases, first=first, seed=seed, workers=workers))

    if as_json:
        click.echo(json.dumps([asdict(one) for one in outcomes], indent=2))
    else:
        _show(outcomes, seed)
    sys.exit(any(one.failures for one in outcomes))


def _show(outcomes: list[Outcome], seed: int) -> None:
    rows = [[one.kind, str(one.count), str(len(one.failures)), one.checked, f"{one.seconds:.1f}"] for one in outcomes]
    show(["kind", "cases", "failures", "what was checked", "seconds"], rows, title=f"seed {seed}")
    for line in (line for one in outcomes for line in one.failures):
        click.echo(line, err=True)


if __name__ == "__main__":
    main()
