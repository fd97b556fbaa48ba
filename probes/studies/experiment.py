"""The contract of a kind of study: data, networks and phases of a recipe."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from probes.log.reader import Log
from probes.studies.group import Group
from probes.studies.phases import Phase

__all__ = ["AnyRecipe", "Experiment", "RunSize"]


class _Data(Protocol):
    @property
    def kind(self) -> str: ...


class AnyRecipe(Protocol):
    """A recipe of any kind of study: a frozen dataclass of plain values and of sections, which are such dataclasses.

    Its field ``data`` is annotated with a dataclass, or with a union of several, each with a field ``kind`` whose
    default is its name in TOML.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def __hash__(self) -> int: ...

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def seed(self) -> int:
        """Seed from which all others are derived."""

    @property
    def data(self) -> _Data:
        """The distribution, whose ``kind`` says which kind of study this is."""


@dataclass(frozen=True)
class RunSize:
    """What one run of a phase takes.

    Attributes:
        values: Numbers that are recorded at a step.
        weights: Bytes of its stored weights.
        outputs: Bytes of its stored outputs, uncompressed.

    Example:
        >>> RunSize(values=50, weights=400, outputs=100).values
        50
    """

    values: int
    weights: int
    outputs: int


class Experiment(Protocol):
    """A recipe made ready to be recorded. A class that has these is a kind of study, once `kinds.EXPERIMENTS` lists it.

    Attributes:
        recipe_type: The dataclass of its recipes.
        has_own_class: Whether its neurons belong to classes, so that ``taps = "own_class"`` can be asked for.
        work: A measure of the time that the study takes, to compare recipes of this kind.
    """

    recipe_type: ClassVar[type]
    has_own_class: ClassVar[bool]

    def __init__(self, recipe: Any) -> None:
        """Take a recipe; samples and networks are made when they are needed."""

    @property
    def phases(self) -> Sequence[Phase]:
        """The phases in the order in which they can be trained: teachers before those that learn from them."""

    @property
    def work(self) -> float:
        """Products of samples, parameters and updates, or what else time grows with."""

    def train(self, group: Group) -> None:
        """Train the runs of a group inside ``with group.recorded(...)``, and store weights and outputs with them."""

    def evaluate(self, log: Log) -> None:
        """Measure a finished run again from its stored weights, and store what is found with it."""

    def size(self, phase: Phase, *, own_class: bool) -> RunSize:
        """Return what one run of a phase takes; nothing is trained for it."""

    def seconds(self) -> Sequence[float]:
        """Return how long each phase takes on this machine as it is now, from a few of its steps."""
