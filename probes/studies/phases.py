"""The phases of a study: which runs train side by side, and who teaches whom."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Phase", "PlannedRun"]


@dataclass(frozen=True)
class PlannedRun:
    """One run: what it is, where it starts, and whom it learns from.

    Attributes:
        run_id: Name of its directory: role, variant, number, and a hash of all that its result depends on.
        role: What the run is for, as "single" or "distilled".
        variant: What tells runs of one role apart; empty where nothing does.
        seeds: Its seeds by purpose, as its manifest states them.
        parents: run_ids of its teachers; empty for a run that learns from labels alone.
        continues: run_id whose final weights it starts from; empty for a fresh start.
        networks: Networks whose average it is.

    Example:
        >>> PlannedRun("mine-00", "single", seeds={"init": 7}).parents
        ()
    """

    run_id: str
    role: str
    variant: str = ""
    seeds: Mapping[str, int] = field(default_factory=dict)
    parents: tuple[str, ...] = ()
    continues: str = ""
    networks: int = 1


@dataclass(frozen=True)
class Phase:
    """Runs that train side by side, with what they share.

    Attributes:
        name: What a progress display shows.
        runs: The runs.
        steps: Updates of each.
        training: How they are trained, in the terms of their kind of study.

    Example:
        >>> Phase("single", (PlannedRun("mine-00", "single"),), 100).steps
        100
    """

    name: str
    runs: tuple[PlannedRun, ...]
    steps: int
    training: Any = None
