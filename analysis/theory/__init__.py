"""The theory of Allen-Zhu & Li (ICLR 2023) as a guest: what only a study of its recipes has.

Each table is a function that takes a study, logs or a path: ``from probes.analysis.theory import winning_set``.

Example:
    >>> from probes.analysis.theory import example_study, winning_set
    >>> winning_set(example_study()[-1])["predicted"].tolist()
    [0, 0, 1, 0, 0, 0]
"""

from importlib import import_module
from typing import Any

from probes.analysis.theory.contents import ROOMS

_MODULE_OF = {
    "EXPECTATIONS": "probes.analysis.theory.expectations",
    "ensemble_error": "probes.analysis.theory.ensembles",
    "example_study": "probes.analysis.theory.example",
    "records": "probes.analysis.theory.findings.claims",
    **{table: f"probes.analysis.theory.findings.{room}" for room, tables in ROOMS.items() for table in tables},
}

__all__ = list(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(import_module(_MODULE_OF[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
