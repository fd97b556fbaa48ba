"""The one list of findings, in the order in which a report shows them.

A finding's file beside this one holds the meaning of its columns, its tables, which are functions of a study, and its
panel. Adding one touches that file and this list.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType, ModuleType
from typing import Any

__all__ = ["OF_A_STUDY", "OF_A_TAP", "named", "room", "tables"]

# Module of a finding, and the names of its tables. Those of a tap first: their panels are made for every tap.
OF_A_TAP: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "winners": ("winners",),
    "coverage": ("coverage", "uncovered"),
    "growth": ("growth", "growth_over_control"),
    "prediction": ("prediction",),
    "race": (),
    "trajectories": (),
    "timing": ("timing",),
    "specialisation": ("specialisation",),
    "features": ("features",),
    "learned": ("learned",),
})
OF_A_STUDY: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "outputs": ("outputs",),
    "ensembles": ("ensembles", "disagreement"),
    "views": ("views", "view_calls", "view_samples"),
    "twins": ("twins",),
    "lead": ("lead",),
    "transfer": ("transfer",),
    "occlusion": ("occlusion",),
    "occlusion_views": ("occlusion_views", "occlusion_preferences"),
    "deletion": ("deletion",),
    "neural_collapse": ("neural_collapse", "neural_collapse_ends"),
    "spectrum": ("spectrum",),
    "samples": ("samples",),
    "sample_agreement": ("sample_agreement",),
    "quantities": ("quantities",),
    "scalars": ("scalars",),
    "summary": ("summary",),
    "cost": ("cost",),
    "runs": ("runs",),
})


def room(name: str) -> ModuleType:
    """Return the module of a finding.

    Example:
        >>> sorted(room("coverage").COLUMNS)[0]
        'coverage'
    """
    return import_module(f"probes.analysis.findings.{name}")


def tables() -> Mapping[str, str]:
    """Return the names of all tables, each with the finding it belongs to.

    Example:
        >>> tables()["uncovered"]
        'coverage'
    """
    return {table: name for rooms in (OF_A_TAP, OF_A_STUDY) for name, found in rooms.items() for table in found}


def named(table: str) -> Callable[..., Any] | None:
    """Return the function of a table by its name; None where there is none.

    Example:
        >>> named("coverage").__name__, named("nothing")
        ('coverage', None)
    """
    name = tables().get(table)

    return getattr(room(name), table) if name else None
