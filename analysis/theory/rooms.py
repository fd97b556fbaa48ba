"""The findings that a study of the theory has, by the kind of its recipe."""

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

from probes.analysis.study import Study
from probes.analysis.theory.contents import OF_KIND

__all__ = ["rooms", "rooms_of"]


def rooms_of(study: Study) -> Sequence[ModuleType]:
    """Return the modules of the findings about a study, in the order in which a report shows them.

    Findings are looked up by name: that of the claims collects the claims of all others.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> [room.__name__.rpartition(".")[2] for room in rooms_of(Study(example_study()))][:2]
        ['winning_set', 'coverage']
    """
    kinds = {str(log.manifest.recipe.get("data", {}).get("kind", "")) for log in study.usable}
    kind = kinds.pop() if len(kinds) == 1 else ""

    return [import_module(name) for name in OF_KIND.get(kind, OF_KIND[""])]


def rooms() -> Sequence[ModuleType]:
    """Return the modules of all findings of the theory.

    Example:
        >>> len(rooms()) == len({room.__name__ for room in rooms()})
        True
    """
    return [import_module(name) for name in dict.fromkeys(name for names in OF_KIND.values() for name in names)]
