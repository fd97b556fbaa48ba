"""Logs of any taps made by hand, and the slow obvious way to their statistics."""

import numpy as np

from probes.log.layout import Series
from probes.log.manifest import Manifest
from probes.log.memory import memory_log
from probes.log.stored_directions import StoredDirections

STATISTICS = ("strength", "peak", "strength_positive", "peak_positive")


def basis(names, shape, *, length=1.0, component="", labels=None):
    """Orthogonal directions of one length, one for each entry of the axes."""
    vectors = length * np.eye(int(np.prod(shape))).reshape(*shape, -1)
    return StoredDirections(tuple(names), vectors, labels or {}, component=component)


def tap_log(
    values,
    run="a",
    *,
    name="w",
    units=("neuron",),
    axes=("feature",),
    directions=None,
    null=None,
    steps=None,
    more=None,
    scalars=None,
    outputs=(),
    quantity="correlation",
    **facts,
):
    """A log of one tap, values (step, *units, *axes); `null` is (dims, values), `more` other series."""
    values = np.asarray(values, dtype=float)
    directions = basis(axes, values.shape[1 + len(units) :]) if directions is None else directions
    labels = directions.labels if directions else {}
    series = [Series(name, (*units, *axes), values.shape[1:], dtype="<f8", labels=labels, quantity=quantity)]
    arrays, sets = {name: values}, {name: directions} if directions else {}
    if null is not None:
        dims, found = null
        labelled = {"statistic": STATISTICS} if "statistic" in dims else {}
        series.append(Series(f"{name}.null", dims, found.shape[1:], dtype="<f8", labels=labelled, quantity="null"))
        arrays[f"{name}.null"] = found
    for one, (found, stored) in (more or {}).items():
        series.append(one)
        arrays[one.name] = found
        sets |= {one.name: stored} if stored else {}
    manifest = Manifest(run, tuple(series), **{"status": "finished", **facts})
    steps = np.arange(len(values)) if steps is None else steps
    return memory_log(manifest, steps, arrays, scalars=scalars, directions=sets, outputs=outputs)


def grown(learned, *, features=6, neurons=3, steps=5, run="a", ahead=None, seed=0, **options):
    """A run that ends with some features: each grows in its own neuron, from the largest peak at step 0 on if `ahead`.

    All else stays as at step 0, where no correlation is larger than 0.1.
    """
    start = np.random.default_rng(seed).uniform(0.01, 0.1, (neurons, features))
    for feature in learned if ahead is None else ahead:
        start[feature % neurons, feature] = 0.2
    values = np.repeat(start[None], steps, axis=0)
    for feature in learned:
        values[1:, feature % neurons, feature] = np.linspace(1, 5, steps - 1) if steps > 1 else 5
    return tap_log(values, run, **options)
