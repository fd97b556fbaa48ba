"""The findings that a study of the theory has: those of the race, or those of Gaussian inputs."""

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

from probes.analysis.study import Study
from probes.analysis.theory.findings import INPUT_ROOMS, ROOMS
from probes.analysis.theory.recipe import is_inputs

__all__ = ["rooms", "rooms_of"]


def rooms_of(study: Study) -> Sequence[ModuleType]:
    """Return the modules of the findings about a study, in the order in which a report shows them.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> [room.__name__.rpartition(".")[2] for room in rooms_of(Study(example_study()))][:2]
        ['winning_set', 'coverage']
    """
    return _inputs() if is_inputs(study) else _race()


def rooms() -> Sequence[ModuleType]:
    """Return the modules of all findings of the theory."""
    return [*_race(), *_inputs()]


def _race() -> list[ModuleType]:
    return [import_module(f"probes.analysis.theory.findings.{name}") for name in ROOMS]


def _inputs() -> list[ModuleType]:
    return [import_module(f"probes.analysis.theory.inputs.{name}") for name in INPUT_ROOMS]
