"""`probes recipes`: the studies that can be recorded."""

import json

import click

from probes.cli.tables import show
from probes.errors import UsageError
from probes.studies.recipe_files import built_in, built_in_text, names
from probes.studies.tables import as_mapping


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print every recipe whole, as JSON.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """List the built-in studies; `probes recipes show NAME` prints one as TOML.

    Example: probes recipes show theory > mine.toml
    """
    if context.invoked_subcommand is not None:
        return

    if as_json:
        click.echo(json.dumps([as_mapping(built_in(name)) for name in names()], indent=2))
        return
    show(["recipe", "what it is"], [[name, _first_line(name)] for name in names()])


@command.command("show")
@click.argument("name")
def show_command(name: str) -> None:
    """Print the recipe NAME as commented TOML, ready to be changed and recorded.

    Example: probes recipes show tiny
    """
    try:
        click.echo(built_in_text(name), nl=False)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _first_line(name: str) -> str:
    return built_in_text(name).splitlines()[0].removeprefix("# ")
