"""The race as a film: the correlations of a run at a few steps, chosen where most happens, small enough for a page.

Axes: t = frame, i = class, r = neuron, j = feature_class, l = view.
"""

import base64
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from probes.analysis.taps.own_class import OFF_CLASS
from probes.analysis.taps.tap import Tap
from probes.errors import LogError
from probes.log.protocol import LogLike

__all__ = ["FRAMES", "Replay", "Scale", "race_steps", "replay"]

FRAMES = 60

# Cells of a matrix that a screen can show; of a wider network the first classes are shown.
_CELLS = 6000
_LEVELS = 127
# How much of a film goes by time alone, whatever happens.
_BY_TIME = 0.3


@dataclass(frozen=True)
class Scale:
    """How a correlation becomes a colour: sign(a) log(1 + |a| / linear) / log(1 + largest / linear), in 255 levels.

    Attributes:
        linear: Up to about here a colour is proportional to its value.
        largest: What has the full colour.

    Example:
        >>> Scale(0.1, 10).codes(np.array([0, 0.1, -10])).tolist()
        [0, 19, -127]
    """

    linear: float
    largest: float

    @classmethod
    def of(cls, frames: np.ndarray) -> "Scale":
        """Return the scale of a run: linear up to the median size in its first frame, full at the largest size.

        Example:
            >>> Scale.of(np.array([[1.0, -2.0, 2.0], [5.0, -9.0, 0.0]]))
            Scale(linear=2.0, largest=9.0)
        """
        sizes = np.abs(frames)
        largest = float(sizes.max(initial=0)) or 1.0
        first = float(np.median(sizes[0])) if len(sizes) else 0.0

        return cls(min(max(first, largest / 1e6), largest), largest)

    def codes(self, values: np.ndarray) -> np.ndarray:
        """Return values as int8 between -127 and 127."""
        size = np.log1p(np.abs(values) / self.linear) / math.log1p(self.largest / self.linear)

        return np.asarray(np.rint(np.sign(values) * np.minimum(size, 1) * _LEVELS), np.int8)


@dataclass(frozen=True)
class Replay:
    """One run's film.

    Attributes:
        run: The run's id.
        title: What the run is.
        steps: The step of each frame.
        loss: The training loss at each, None where it was not logged.
        correlations: (frame, class, neuron, feature_class, view).
        classes: How many classes the network has; `correlations` may hold the first of them only.
    """

    run: str
    title: str
    steps: Sequence[int]
    loss: Sequence[float | None]
    correlations: np.ndarray
    classes: int

    @cached_property
    def scale(self) -> Scale:
        """How a correlation of this run becomes a colour, at every step."""
        return Scale.of(self.correlations)

    @cached_property
    def packed(self) -> str:
        """The codes as text: changes from frame to frame, modulo 256, cell by cell, deflated, in base 64."""
        codes = self.scale.codes(self.correlations).reshape(len(self.correlations), -1).view(np.uint8)
        changes = np.diff(codes, axis=0, prepend=np.zeros((1, codes.shape[1]), np.uint8))

        return base64.b64encode(zlib.compress(np.ascontiguousarray(changes.T).tobytes(), 9)).decode()


def replay(log: LogLike, tap: Tap, *, title: str = "", table: pd.DataFrame, frames: int = FRAMES) -> Replay:
    """Return the film of a run; of more than 6000 correlations a step, of the first classes, or units and features.

    A tap that is not own-class is shown as one class with all units and all features.

    Args:
        log: The run.
        tap: Its tap.
        title: What the run is; its label where "".
        table: Table of `features`, to find out where most happens.
        frames: How many frames at most.

    Raises:
        LogError: the log holds only its own-class block.

    Example:
        >>> from probes.analysis import example_study, features
        >>> from probes.analysis.taps.tap import taps_of
        >>> log = example_study()[-1]
        >>> film = replay(log, taps_of(log)["correlations"], table=features(log, every=1))
        >>> film.correlations.shape, film.steps[0], film.steps[-1]
        ((42, 6, 6, 6, 2), 0, 400)
    """
    steps = race_steps(table[table["run"] == log.label], tap.columns, frames)
    values = tap.sizes(log[tap.name][np.searchsorted(log.steps, steps)])
    if tap.own_class:
        classes, neurons, _, views = tap.own_shape
        shown = min(classes, max(1, math.isqrt(_CELLS // (neurons * views))))
        values = values[:, :shown, :, :shown]
    else:
        classes, units = 1, min(values.shape[1], _CELLS // 10)
        values = values[:, None, :units, None, : max(1, _CELLS // units)]
    if tap.own_class and np.isnan(values[0, 0, :, 1:]).any():
        raise LogError(f"run `{log.label}`: {OFF_CLASS}")

    return Replay(log.label, title or log.label, steps.tolist(), _losses(log, steps), _numbers(values), classes)


def race_steps(table: pd.DataFrame, columns: Sequence[str], count: int = FRAMES) -> np.ndarray:
    """Return the first and the last step and those between them, closest where strengths change most.

    The way from frame to frame is the same: seven parts of ten are changes of log(1 + strength / median strength at the
    first step), summed over features, three are time.

    Args:
        table: Table of `features`, of one run.
        columns: Its columns that name a feature.
        count: How many steps at most.

    Example:
        >>> from probes.analysis import example_study, features
        >>> race_steps(features(example_study()[-1], every=1), ["class", "view"], 4).tolist()
        [0, 14, 26, 400]
    """
    wide = table.pivot_table(index="step", columns=list(columns), values="strength", observed=True)
    steps, strength = wide.index.to_numpy(np.int64), np.nan_to_num(wide.to_numpy(np.float64), posinf=0)
    if len(steps) <= 2:
        return steps

    unit = float(np.median(strength[0])) or 1.0
    change = np.abs(np.diff(np.log1p(strength / unit), axis=0)).sum(axis=1)
    way = _BY_TIME * _shares(np.diff(steps).astype(float)) + (1 - _BY_TIME) * _shares(change)
    gone = np.concatenate([[0], way.cumsum() / way.sum()])
    places = np.searchsorted(gone, np.linspace(0, 1, count).clip(max=gone[-1]))

    return np.asarray(steps[np.unique(np.append(places, len(steps) - 1))])


def _shares(parts: np.ndarray) -> np.ndarray:
    total = parts.sum()

    return np.asarray(parts / total) if total else parts


def _numbers(values: np.ndarray) -> np.ndarray:
    """Return values that can be drawn, 0 in place of those that are no numbers."""
    return np.nan_to_num(np.asarray(values, np.float32), posinf=0, neginf=0)


def _losses(log: LogLike, steps: np.ndarray) -> list[float | None]:
    scalars = log.scalars()
    if "loss" not in scalars:
        return [None] * len(steps)

    found = scalars["loss"].reindex(steps)
    return [float(f"{value:.4g}") if math.isfinite(value) else None for value in found]
