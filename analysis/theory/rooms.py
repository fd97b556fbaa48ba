"""The findings that a study of the theory has: those of the race, or those of Gaussian inputs."""

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

from probes.analysis.study import Study
from probes.analysis.theory.contents import INPUT_ROOMS, ROOMS
from probes.analysis.theory.inputs.inputs import is_inputs

__all__ = ["rooms", "rooms_of"]

# Findings are looked up by name: that of the claims collects the claims of all others.
_FINDINGS, _INPUTS = "probes.analysis.theory.findings", "probes.analysis.theory.inputs"


def rooms_of(study: Study) -> Sequence[ModuleType]:
    """Return the modules of the findings about a study, in the order in which a report shows them.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> [room.__name__.rpartition(".")[2] for room in rooms_of(Study(example_study()))][:2]
        ['winning_set', 'coverage']
    """
    return [import_module(f"{_FINDINGS}.claims"), *_inputs()] if is_inputs(study) else _race()


def rooms() -> Sequence[ModuleType]:
    """Return the modules of all findings of the theory.

    Example:
        >>> len(rooms()) == len({room.__name__ for room in rooms()})
        True
    """
    return [*_race(), *_inputs()]


def _race() -> list[ModuleType]:
    return [import_module(f"{_FINDINGS}.{name}") for name in ROOMS]


def _inputs() -> list[ModuleType]:
    return [import_module(f"{_INPUTS}.{name}") for name in INPUT_ROOMS]
