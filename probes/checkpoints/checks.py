"""What published checkpoints were seen to have wrong, found by comparing each with the one before."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import Tensor

from probes.checkpoints.weights import Weights

__all__ = ["Comparison", "missing_steps"]

_SHOWN = 5  # missing steps that are named
_CHANCE = 5.0  # standard deviations of the cosine of independent vectors
_ALIKE = 0.5  # cosine of neighbours that are of one training


@dataclass
class Comparison:
    """Compares the recorded tensors of each checkpoint with those of the one before.

    Example:
        >>> from pathlib import Path
        >>> comparison = Comparison()
        >>> for step in (0, 10):
        ...     weights = Weights({"w": (2,)}, {"w": Path(f"step{step}.pt")}, {}.__getitem__)
        ...     comparison.add(step, {"w": torch.ones(2)}, weights)
        >>> list(comparison.notes())
        ['steps 0 and 10 have the same weights']
    """

    steps: list[int] = field(default_factory=list)
    _before: Mapping[str, Tensor] = field(default_factory=dict)
    _changed: list[dict[str, bool]] = field(default_factory=list)  # by file, between two checkpoints
    _cosines: list[float] = field(default_factory=list)
    _size: int = 0
    _states: list[str] = field(default_factory=list)

    def add(self, step: int, tensors: Mapping[str, Tensor], weights: Weights) -> None:
        """Compare one with the one before.

        Args:
            step: Its step.
            tensors: What is recorded, by name.
            weights: Where that lies.
        """
        stated = {f"`{file.name}` states step {said}" for file, said in weights.steps.items() if said != step}
        self._states += [f"{text}, and is taken as of step {step}" for text in sorted(stated)]
        if self._before:
            same = {name: torch.equal(one, self._before[name]) for name, one in tensors.items()}
            files: dict[str, bool] = {}
            for name, is_same in same.items():
                file = weights.files[name].name
                files[file] = files.get(file, False) or not is_same
            self._changed.append(files)
            self._cosines.append(_cosine(self._before, tensors))
        self.steps.append(step)
        self._before, self._size = dict(tensors), sum(one.numel() for one in tensors.values())

    def notes(self) -> Iterator[str]:
        """A line for each thing that is not as it should be."""
        yield from self._states
        for (before, step), files in zip(pairwise(self.steps), self._changed, strict=True):
            if not any(files.values()):
                yield f"steps {before} and {step} have the same weights"
            else:
                for file in [name for name, changed in files.items() if not changed and self._moves(name)]:
                    yield f"`{file}` of step {step} has the weights of step {before}, and other files have not"
        if self.steps and self.steps[0] > 0:
            yield f"the first checkpoint is of step {self.steps[0]}: the initialisation is not there"
        elif len(self._cosines) > 1 and self._began_elsewhere():
            first, second = self._cosines[:2]
            yield (
                f"step 0 has nothing in common with step {self.steps[1]} (cosine {first:.3f}; of the next two "
                f"{second:.3f}): the run may have begun elsewhere"
            )
        missing = missing_steps(self.steps)
        if missing:
            more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
            yield f"steps that the others lead to expect are missing: {', '.join(map(str, missing[:_SHOWN]))}{more}"

    def _began_elsewhere(self) -> bool:
        """Whether step 0 is as far from the next checkpoint as independent weights are, which that one is not."""
        return abs(self._cosines[0]) < _CHANCE / math.sqrt(self._size) < _ALIKE < self._cosines[1]

    def _moves(self, file: str) -> bool:
        """Whether the weights in files of that name change anywhere: others are frozen."""
        return any(files.get(file, False) for files in self._changed)


def missing_steps(steps: Sequence[int]) -> list[int]:
    """Return the steps that are missing where more than half of all are one distance from the next.

    Example:
        >>> missing_steps([0, 10, 20, 50, 60]), missing_steps([1, 2, 4, 8, 16])
        ([30, 40], [])
    """
    gaps = [after - before for before, after in pairwise(steps)]
    usual, count = Counter(gaps).most_common(1)[0] if gaps else (0, 0)
    if 2 * count <= len(gaps):
        return []
    wide = [(before, after) for before, after in pairwise(steps) if after - before > usual]

    return [
        step for before, after in wide if (after - before) % usual == 0 for step in range(before + usual, after, usual)
    ]


def _cosine(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> float:
    """Of all tensors, as one vector each; 0 where one of them is zero."""
    pairs = [(before[name].double().flatten(), one.double().flatten()) for name, one in after.items()]
    product, first, second = (
        sum(float(term) for term in terms)
        for terms in zip(*((one @ two, one @ one, two @ two) for one, two in pairs), strict=True)
    )
    return product / math.sqrt(first * second) if first > 0 and second > 0 else 0.0
