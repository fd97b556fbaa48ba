"""A study made by hand, so that every example runs at once and no network has to be trained.

It is the race of the theory reduced to its correlations. Each correlation a of a class's neuron with one of the class's
own views obeys da/dt = push * min(1, a / 0.5)^(q-1), q = 3. The push of the labels dies when the class's output is
large, whichever view it comes from, so that one view wins; that of a teacher dies view by view, when the student's
strength reaches the teacher's, so that the other view follows. Correlations with other classes' features do not change.
The stored logits are those of a network that sees by its strengths: sum_l strength_{i,l} Z_{i,l}(X). Random
directions, the null, keep their initial strengths; noise is memorised from when a class is won.

Axes: t = step, i = class, r = neuron, l = view, n = sample.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from probes.log.evaluation import Evaluation
from probes.log.layout import Series
from probes.log.manifest import Manifest
from probes.log.memory import memory_log
from probes.log.reader import Log

__all__ = ["Sizes", "example_study"]

_Q, _THRESHOLD, _INIT_SCALE, _MU, _OFF_CLASS = 3, 0.5, 0.001, 0.04, 3
_PACE = 6000


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
        values, pushes = _race(first, self._moment * len(first), self._sizes.steps, goal)

        classes, axes = len(first), ("class", "neuron", "feature_class", "view")
        arrays = {"correlations": values, "correlations.null": self._null(len(values), members)}
        series = [
            Series("correlations", axes, first.shape),
            Series("correlations.null", ("class", "feature_class", "view"), (classes, classes, 2)),
        ]
        if teachers:
            arrays["forces"] = pushes
            labels = {"term": ("cross_entropy", "distillation")}
            series.append(Series("forces", ("term", "class", "view"), (2, classes, 2), labels=labels))
        # What the race's equation is in the units of gradient descent.
        rate = _PACE / self._sizes.steps * classes**2 / (classes - 1)
        manifest = Manifest(
            name,
            tuple(series),
            recipe={"training": {"learning_rate": rate}, "network": {"threshold": _THRESHOLD}},
            role=role,
            variant=variant,
            parents=tuple(teacher.manifest.run_id for teacher in teachers),
            continues=own.manifest.run_id if own else "",
            networks=members,
            status="finished",
        )
        steps = np.arange(len(values))
        evaluation = self._evaluation(values[-1], members)
        return memory_log(manifest, steps, arrays, scalars=_scalars(values), evaluation=evaluation)

    def _initial(self, members: int) -> np.ndarray:
        classes = self._sizes.classes
        first = self._draw.normal(0, _INIT_SCALE, (classes, self._sizes.neurons * members, classes, 2))
        first[:, 0] = np.abs(first[:, 0])  # no feature without a neuron that can grow towards it

        return first

    def _null(self, rows: int, members: int) -> np.ndarray:
        """Return strengths along random directions: those of neurons that never move."""
        classes, neurons = self._sizes.classes, self._sizes.neurons * members
        still = np.random.default_rng(classes).normal(0, _INIT_SCALE, (classes, neurons, classes, 2))

        return np.repeat(np.maximum(still, 0).sum(axis=1)[None], rows, axis=0)

    def _evaluation(self, last: np.ndarray, members: int) -> Evaluation:
        arrays = {"class_view_moment": self._moment}
        for part, sample in self._samples.items():
            logits = np.einsum("nil,il->ni", sample["weights"], _strength(last) / members).astype(np.float32)
            arrays |= {f"{part}/logits": logits, f"{part}/labels": sample["labels"], f"{part}/view": sample["view"]}

        arrays |= _deletion(last / members, self._samples["single_view"])
        return Evaluation(arrays, {"mu": _MU, "q": _Q, "sparsity": _OFF_CLASS, "step": self._sizes.steps})


def _deletion(last: np.ndarray, sample: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return accuracies by class and view shown, with all neurons and without those credited with either view."""
    each, labels = np.arange(len(last)), sample["labels"]
    best = last.reshape(*last.shape[:2], -1).argmax(axis=2)  # the feature that a neuron points along, of any class
    muted = best[:, :, None] == 2 * each[:, None, None] + np.arange(2)  # (class, neuron, view)
    credit = np.einsum("irl,irm->iml", np.maximum(last[each, :, each], 0), muted)
    outputs = np.einsum("nil,il->ni", sample["weights"], _strength(last))
    own = outputs[np.arange(len(labels)), labels]
    lost = np.einsum("nl,nml->nm", sample["weights"][np.arange(len(labels)), labels], credit[labels])
    rivals = np.where(each == labels[:, None], -np.inf, outputs).max(axis=1)

    right = np.column_stack([own > rivals, own[:, None] - lost > rivals[:, None]]).astype(float)
    shown = (labels[:, None, None] == each[:, None]) & (sample["view"][:, None, None] == np.arange(2))
    with np.errstate(invalid="ignore"):
        shares = np.einsum("nm,nil->mil", right, shown) / shown.sum(axis=0)
    after = shares[1:].swapaxes(0, 1)
    return {"deletion/before": shares[0], "deletion/after": after, "deletion/neurons": muted.sum(axis=1)}


def _strength(values: np.ndarray) -> np.ndarray:
    """Return the strengths ``(class, view)`` of one step's correlations."""
    return np.asarray(np.einsum("iril->il", np.maximum(values, 0)))


def _race(first: np.ndarray, label_push: np.ndarray, steps: int, goal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the correlations at all steps, and what labels and teacher add to strengths in the step that follows.

    ``goal`` holds the teachers' strengths, 0 where there is none.
    """
    values = np.repeat(first[None].astype(np.float32), steps + 1, axis=0)
    diagonal = np.arange(len(first))
    now = first[diagonal, :, diagonal].astype(float)
    forces = np.zeros((steps + 1, 2, *label_push.shape))

    for step in range(1, steps + 1):
        strength = np.maximum(now, 0).sum(axis=1)
        labels = label_push * np.exp(-2 * strength.sum(axis=1, keepdims=True))
        push = labels + 0.1 * (goal > 0.3) * np.clip(1 - strength / np.maximum(goal, 0.3), 0, 1)
        growth = _PACE / steps * push[:, None, :] * (np.clip(now, 0, _THRESHOLD) / _THRESHOLD) ** (_Q - 1)
        growth = np.minimum(growth, _THRESHOLD)  # else the step that decides a race would overshoot
        forces[step - 1] = np.stack([labels, push - labels]) / push * growth.sum(axis=1)
        now += growth
        values[step, diagonal, :, diagonal] = now

    return values, forces


def _scalars(values: np.ndarray) -> pd.DataFrame:
    """Return what a training loop would log: loss, error, and noise that is memorised once a class is won."""
    classes = np.arange(values.shape[1])
    outputs = np.maximum(values[:, classes, :, classes], 0).sum(axis=(2, 3)).T  # (step, class)
    won = (outputs > 0.3).mean(axis=1)
    memorised = np.cumsum(won) / len(won)
    table = pd.DataFrame({
        "loss": np.log(len(classes)) * np.exp(-outputs).mean(axis=1),
        "train_error": 1 - won + _MU / 2 * won * (memorised < 0.3),
    })

    looked_at = slice(None, None, max(1, len(won) // 20))
    noise = _INIT_SCALE + memorised
    table.loc[looked_at, "noise_multi_view"] = 0.1 * noise[looked_at]
    table.loc[looked_at, "noise_single_view"] = noise[looked_at]
    return table.rename_axis("step")


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
