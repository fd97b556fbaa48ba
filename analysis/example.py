"""A study made by hand, so that every example runs at once and no network has to be trained.

It is the race of the theory reduced to its correlations. Each correlation a of a class's neuron with one of the class's
own views obeys da/dt = push * min(1, a / 0.5)^(q-1), q = 3. The push of the labels dies when the class's output is
large, whichever view it comes from, so that one view wins; that of a teacher dies view by view, when the student's
strength reaches the teacher's, so that the other view follows. Correlations with other classes' features do not change.
The stored logits are those of a network that sees what the strengths say: sum_l strength_{i,l} Z_{i,l}(X).

Axes: t = step, i = class, r = neuron, l = view, n = sample.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from probes.store.evaluation import Evaluation
from probes.store.layout import Series
from probes.store.manifest import Manifest
from probes.store.memory import memory_log
from probes.store.reader import Log

__all__ = ["Sizes", "example_study"]

_Q, _THRESHOLD, _INIT_SCALE, _MU, _OFF_CLASS = 3, 0.5, 0.001, 0.04, 3


@dataclass(frozen=True)
class Sizes:
    """How large a study is.

    Attributes:
        classes: k.
        neurons: m, per class.
        steps: Optimizer updates of each run.
        samples: Samples in the training set and in each of the two test sets.
        singles: Runs without a teacher.
        students: Runs distilled from all singles; and as many self-distilled ones of each form.

    Example:
        >>> Sizes(classes=3).neurons
        6
    """

    classes: int = 6
    neurons: int = 6
    steps: int = 400
    samples: int = 400
    singles: int = 5
    students: int = 1


def example_study(sizes: Sizes = Sizes(), *, seed: int = 4) -> list[Log]:
    """Return the runs of a study: singles, a trained average, distilled and self-distilled students of both forms.

    Args:
        sizes: How large it is.
        seed: Seed of all draws.

    Example:
        >>> [log.manifest.run_id for log in example_study()][3:6]
        ['self_distilled-fresh-00', 'single-00', 'single-01']
    """
    maker = _Maker(sizes, np.random.default_rng(seed))
    singles = [maker.run(f"single-{index:02d}", "single") for index in range(sizes.singles)]

    logs = [*singles, maker.run("average-00", "average", members=3)]
    for index in range(sizes.students):
        own, teacher = singles[index % sizes.singles], singles[(index + 1) % sizes.singles]
        logs += [
            maker.run(f"distilled-stopped-{index:02d}", "distilled", "stopped", teachers=singles),
            maker.run(
                f"self_distilled-continued-{index:02d}", "self_distilled", "continued", teachers=[teacher], own=own
            ),
            maker.run(f"self_distilled-fresh-{index:02d}", "self_distilled", "fresh", teachers=[teacher]),
        ]

    return sorted(logs, key=lambda log: log.manifest.run_id)


class _Maker:
    """Makes runs on one set of samples; each run draws its own initialisation."""

    def __init__(self, sizes: Sizes, draw: np.random.Generator) -> None:
        self._sizes, self._draw = sizes, draw
        self._moment = draw.uniform(0.9, 1.1, (sizes.classes, 2)) / sizes.classes
        self._samples = {part: _samples(draw, sizes, part) for part in ("training", "single_view", "multi_view")}

    def run(
        self,
        name: str,
        role: str,
        variant: str = "",
        *,
        teachers: Sequence[Log] = (),
        own: Log | None = None,
        members: int = 1,
    ) -> Log:
        first = self._initial(members) if own is None else own["correlations"][-1]
        goal = np.mean([_strength(teacher["correlations"][-1]) for teacher in teachers] or [np.zeros(2)], axis=0)
        values = _race(first, self._moment * len(first), self._sizes.steps, goal)

        series = Series("correlations", ("class", "neuron", "feature_class", "view"), first.shape)
        manifest = Manifest(
            name,
            (series,),
            role=role,
            variant=variant,
            parents=tuple(teacher.manifest.run_id for teacher in teachers),
            continues=own.manifest.run_id if own else "",
            status="finished",
        )
        steps = np.arange(len(values))
        return memory_log(manifest, steps, {series.name: values}, evaluation=self._evaluation(values[-1], members))

    def _initial(self, members: int) -> np.ndarray:
        classes = self._sizes.classes
        first = self._draw.normal(0, _INIT_SCALE, (classes, self._sizes.neurons * members, classes, 2))
        first[:, 0] = np.abs(first[:, 0])  # no feature without a neuron that can grow towards it

        return first

    def _evaluation(self, last: np.ndarray, members: int) -> Evaluation:
        arrays = {"class_view_moment": self._moment}
        for part, sample in self._samples.items():
            logits = np.einsum("nil,il->ni", sample["weights"], _strength(last) / members).astype(np.float32)
            arrays |= {f"{part}/logits": logits, f"{part}/labels": sample["labels"], f"{part}/view": sample["view"]}

        return Evaluation(arrays, {"mu": _MU, "q": _Q, "step": self._sizes.steps})


def _strength(values: np.ndarray) -> np.ndarray:
    """Return the strengths ``(class, view)`` of one step's correlations."""
    return np.asarray(np.einsum("iril->il", np.maximum(values, 0)))


def _race(first: np.ndarray, label_push: np.ndarray, steps: int, goal: np.ndarray) -> np.ndarray:
    """Return the correlations at all steps; ``goal`` holds the teachers' strengths, 0 where there is none."""
    values = np.repeat(first[None].astype(np.float32), steps + 1, axis=0)
    diagonal = np.arange(len(first))
    now = first[diagonal, :, diagonal].astype(float)

    for step in range(1, steps + 1):
        strength = np.maximum(now, 0).sum(axis=1)
        push = label_push * np.exp(-2 * strength.sum(axis=1, keepdims=True))
        push = push + 0.1 * (goal > 0.3) * np.clip(1 - strength / np.maximum(goal, 0.3), 0, 1)
        growth = 6000 / steps * push[:, None, :] * (np.clip(now, 0, _THRESHOLD) / _THRESHOLD) ** (_Q - 1)
        now += np.minimum(growth, _THRESHOLD)  # else the step that decides a race would overshoot
        values[step, diagonal, :, diagonal] = now

    return values


def _samples(draw: np.random.Generator, sizes: Sizes, part: str) -> dict[str, np.ndarray]:
    """Return the weights Z ``(sample, class, view)``, the labels and the views of a set of samples (Definition 3.1)."""
    samples, shape = np.arange(sizes.samples), (sizes.samples, sizes.classes, 2)
    labels, view = draw.integers(0, sizes.classes, sizes.samples), draw.integers(0, 2, sizes.samples)
    single_view = part == "single_view"

    largest = 0.15 if single_view else 0.4
    present = draw.random(shape) < _OFF_CLASS / sizes.classes
    weights = present * draw.uniform(0.9 * largest, largest, shape)
    weights[samples, labels] = draw.uniform(1, 1.2, (sizes.samples, 2))
    if single_view:
        weights[samples, labels, 1 - view] = 0.02

    return {"weights": weights, "labels": labels, "view": view if single_view else np.full(sizes.samples, -1)}
