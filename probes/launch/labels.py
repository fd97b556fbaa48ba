"""What the run of a model is called, and what stands in it of role and parents: by the options, or by the script."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from torch.nn import Module

from probes.launch.plan import Plan
from probes.roles import Description

__all__ = ["Label", "Labels"]


@dataclass(frozen=True)
class Label:
    """Where a run goes and what is stated of it.

    Example:
        >>> Label(Path("runs/seed-0"), role="teacher").run_id
        'seed-0'
    """

    path: Path
    name: str = ""  # as a person gave it
    role: str = ""
    parents: tuple[str, ...] = ()

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.path.name


class Labels:
    """Gives a label to the run of each model that a program trains.

    Args:
        plan: Where the runs go, with the name, role and parents that the options give.
        say: Writes a line for the user, about parents that were not recorded.

    Example:
        >>> from torch import nn
        >>> from probes.launch.program import Program
        >>> labels = Labels(Plan(Program("train.py"), Path("runs"), name="seed-0"), print)
        >>> first = labels.of(nn.Linear(3, 2), Description("Linear"))
        >>> labels.took(first)
        >>> first.run_id, labels.of(nn.Linear(3, 2), Description("Linear")).run_id
        ('seed-0', 'seed-0-Linear-01')
    """

    several: bool = False  # models are trained, as far as is known

    def __init__(self, plan: Plan, say: Callable[[str], object]) -> None:
        self._plan, self._say = plan, say
        self._taken: Counter[str] = Counter()  # runs by the name of a model or its class
        self._owns: dict[Path, str] = {}  # of a label that was given

    def of(self, model: Module, described: Description) -> Label:
        """The label of a model's run."""
        own = described.name or re.sub(r"[^A-Za-z0-9._-]+", "-", type(model).__name__)
        number = self._taken[own]
        several = self.several or bool(described.name) or bool(self._taken)
        numbered = own if described.name and not number else f"{own}-{number:02d}"
        name = (
            "-".join(filter(None, (self._plan.name, numbered))) if several or not self._plan.name else self._plan.name
        )
        path = self._plan.root / name
        self._owns[path] = own
        if not described.stated:
            role, parents = self._plan.role, self._plan.parents
        else:
            role, parents = described.role, tuple(dict.fromkeys(self._parents(described, name)))
        return Label(path, name if self._plan.name or described.name else "", role, parents)

    def took(self, label: Label) -> None:
        """Give the label to no other model."""
        self._taken[self._owns[label.path]] += 1

    def _parents(self, described: Description, name: str) -> Iterator[str]:
        for parent in described.parents:
            run_id = parent if isinstance(parent, str) else parent.run_id
            if run_id and run_id != name:
                yield run_id
            elif isinstance(parent, Description):
                self._say(f"{name}: a parent, the model {parent.kind}, has no run so far; it is left out")
            else:
                self._say(f"{name}: a parent is the run itself; it is left out")
