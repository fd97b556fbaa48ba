"""The kinds of study, one list: what `data.kind` of a recipe stands for."""

from collections.abc import Mapping
from typing import get_args, get_type_hints

from probes.studies.experiment import AnyRecipe, Experiment
from probes.studies.theory.study import TheoryStudy

__all__ = ["DEFAULT", "EXPERIMENTS", "KINDS", "experiment"]

# A new kind of study is a line here.
EXPERIMENTS: tuple[type[Experiment], ...] = (TheoryStudy,)

_HINTS = {study: get_type_hints(study.recipe_type)["data"] for study in EXPERIMENTS}
# By `data.kind`; the first is meant where a recipe has none.
KINDS: Mapping[str, type[Experiment]] = {
    data.kind: study for study, hint in _HINTS.items() for data in get_args(hint) or (hint,)
}
DEFAULT = next(iter(KINDS))


def experiment(recipe: AnyRecipe) -> Experiment:
    """Return a recipe made ready to be recorded: its data, networks and phases.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> [phase.name for phase in experiment(built_in("tiny")).phases][:2]
        ['single', 'distilled stopped']
    """
    return KINDS[recipe.data.kind](recipe)
