"""The recipe that the arguments of a verb choose: a name or a file, and what is changed of it."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import click

from probes.errors import UsageError
from probes.studies.experiment import AnyRecipe
from probes.studies.recipe_files import load, override

__all__ = ["chosen_changes", "chosen_recipe", "recipe_arguments"]

Body = TypeVar("Body", bound=Callable[..., object])

_SETTING = click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a value, for example data.sparsity=4."
)
_RUNS = click.option("--runs", type=click.IntRange(min=1), help="Number of single models.")
_SEED = click.option("--seed", type=click.IntRange(min=0), help="Seed from which all others are derived.")


def recipe_arguments(body: Body) -> Body:
    """Return the body of a command with RECIPE, --set, --runs and --seed, which `chosen_recipe` takes.

    Example:
        >>> @click.command()
        ... @recipe_arguments
        ... def command(recipe, settings, runs, seed):
        ...     return chosen_recipe(recipe, settings, runs, seed).runs.single
        >>> command.main(["tiny", "--runs", "5"], standalone_mode=False)
        5
    """
    return click.argument("recipe")(_SETTING(_RUNS(_SEED(body))))


def chosen_recipe(recipe: str, settings: tuple[str, ...], runs: int | None, seed: int | None) -> AnyRecipe:
    """Return the recipe with what the options change.

    Raises:
        UsageError: There is no such recipe or key, or a value is impossible.

    Example:
        >>> chosen_recipe("tiny", ("network.neurons=8",), runs=None, seed=3).seed
        3
    """
    try:
        return override(load(recipe), chosen_changes(settings, runs, seed))
    except ValueError as error:
        raise UsageError(str(error)) from error


def chosen_changes(settings: Sequence[str], runs: int | None, seed: int | None) -> dict[str, str]:
    """Return what the options change of a recipe, key to value in TOML.

    Raises:
        UsageError: A setting is not KEY=VALUE.

    Example:
        >>> chosen_changes(("network.neurons=8",), runs=3, seed=None)
        {'runs.single': '3', 'network.neurons': '8'}
    """
    changes = {"runs.single": runs, "seed": seed}
    texts = {key: str(value) for key, value in changes.items() if value is not None}
    for setting in settings:
        key, sign, value = setting.partition("=")
        if not sign:
            raise UsageError(f"expected --set KEY=VALUE, got {setting!r}, for example --set network.neurons=8")
        texts[key.strip()] = value.strip()
    return texts
