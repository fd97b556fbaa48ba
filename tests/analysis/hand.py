"""Logs made by hand, of which winners, coverage and growth are known, and the slow obvious way to each statistic."""

import numpy as np

from probes.log.evaluation import Evaluation
from probes.log.layout import Series
from probes.log.manifest import Manifest
from probes.log.memory import memory_log

START, SMALL, OFF, GROWN = 0.02, 0.01, 0.004, 5.0
LAYOUT = ("class", "neuron", "feature_class", "view")


def log_of(values, run="a", *, steps=None, name="correlations", dims=LAYOUT, evaluation=None, **facts):
    """A log of given correlations (step, class, neuron, feature_class, view)."""
    values = np.asarray(values, dtype=np.float32)
    manifest = Manifest(run, (Series(name, dims, values.shape[1:]),), **{"status": "finished", **facts})
    steps = np.arange(len(values)) if steps is None else steps
    return memory_log(manifest, steps, {name: values}, evaluation=evaluation)


def random_values(steps=7, classes=3, neurons=4, views=2, seed=0):
    return np.random.default_rng(seed).normal(size=(steps, classes, neurons, classes, views)).astype(np.float32)


def race(learned, *, ahead=None, neurons=5, steps=5):
    """Correlations of a race: `learned` has for each class the views that end grown, `ahead` the one ahead at step 0.

    Every class's first neuron has START for the view ahead and SMALL for the other one; all off-class ones are OFF.
    """
    classes = len(learned)
    ahead = [views[0] if views else 0 for views in learned] if ahead is None else ahead
    values = np.zeros((steps, classes, neurons, classes, 2), np.float32)
    values[:, :, 0] = OFF
    for class_, views in enumerate(learned):
        values[:, class_, 0, class_] = SMALL
        values[:, class_, 0, class_, ahead[class_]] = START
        for view in views:
            values[1:, class_, 0, class_, view] = GROWN
    return values


def logits(labels, classes, *, mistaken=()):
    """Logits that are right by 1, except for the samples in `mistaken`, where the next class has 2."""
    found = np.eye(classes, dtype=np.float32)[labels]
    for sample in mistaken:
        found[sample, (labels[sample] + 1) % classes] = 2
    return found


def evaluation_of(*, single=(), multi=(), training=(), samples=10, classes=3, mu=0.1, **attrs):
    """An evaluation with the given mistakes."""
    labels = np.arange(samples) % classes
    parts = {"single_view": single, "multi_view": multi, "training": training}
    arrays = {f"{part}/logits": logits(labels, classes, mistaken=wrong) for part, wrong in parts.items()}
    arrays |= {f"{part}/labels": labels for part in parts}
    return Evaluation(arrays, {"mu": mu, "q": 3, **attrs})


def slow_strength(values, step, class_, view):
    return sum(max(0.0, float(values[step, class_, neuron, class_, view])) for neuron in range(values.shape[2]))


def slow_peak(values, step, class_, view):
    return max(max(0.0, float(values[step, class_, neuron, class_, view])) for neuron in range(values.shape[2]))


def slow_null(values, step, class_, view, combine):
    classes, neurons = values.shape[1:3]
    others = [other for other in range(classes) if other != class_]
    return max(
        combine(max(0.0, float(values[step, class_, neuron, other, view])) for neuron in range(neurons))
        for other in others
    )
