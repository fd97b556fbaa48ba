"""The race of a run's features at one step: how strong each has become, by alternative where there are two."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from probes.analysis.rule import RULE
from probes.analysis.taps.null import OwnClassNull, RandomDirections
from probes.analysis.taps.statistics import sizes, statistics
from probes.analysis.taps.tap import Tap, taps_of
from probes.files.text import printable
from probes.log.protocol import LogLike

__all__ = ["GROWN", "VIEWS", "Race", "RaceTap"]

VIEWS = 2
# While a run is recorded the typical winner of `RULE` has not won yet, so that whoever leads would count as learned: in
# the runs of two studies up to six features, at some step, that were not in the end. With a floor of ten times the null
# at step 0 it was one at most, in all but one of 25 runs.
GROWN = 10


@dataclass(frozen=True, eq=False)
class Race:
    """How strong every feature is at one step.

    Attributes:
        measure: "strength" of a class's own features, or "peak" over all units where classes have none of their own.
        names: What the rows stand for: classes, or features.
        values: ``(row, side)``: a side for each of two alternatives, such as the views of a class, else one.
        learned: Whether each counts as learned by `probes.analysis.rule.RULE`, the step taken for the run's last, and
            is above the floor; None where no null is known.
        null: Median strength of a class's neurons on features of other classes; 0 where that is unknown.

    Example:
        >>> race = Race("peak", ("0", "1"), np.array([[0.5], [2.0]]))
        >>> race.won is None, race.values.max()
        (True, np.float64(2.0))
    """

    measure: str
    names: tuple[str, ...]
    values: NDArray[np.float64]
    learned: NDArray[np.bool_] | None = None
    null: float = 0.0

    @property
    def won(self) -> int | None:
        """How many rows have a feature that counts as learned."""
        return None if self.learned is None else int(self.learned.any(axis=1).sum())


@dataclass(frozen=True, eq=False)
class RaceTap:
    """The tap in which the race of a run is to be seen.

    Attributes:
        tap: An own-class tap where the run has one, else the one called "correlations", else the first.
        null: What its random directions reach.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> log = example_study()[-1]
        >>> RaceTap.of(log).race(log, 400).won
        6
    """

    tap: Tap
    null: OwnClassNull | RandomDirections

    @classmethod
    def of(cls, log: LogLike) -> "RaceTap | None":
        """Return the tap of a run; None where no series of it has features."""
        taps = taps_of(log)
        own = [tap for tap in taps.values() if tap.own_class]
        found = next(iter(own), taps.get("correlations", next(iter(taps.values()), None)))
        if found is None:
            return None

        return cls(found, OwnClassNull(log, found) if found.own_class else RandomDirections(log, found))

    def race(self, log: LogLike, row: int, *, floor: float = 0.0) -> Race:
        """Return the race at one of the recorded rows.

        Args:
            log: The run.
            row: Which of its rows.
            floor: What counts as learned is larger.
        """
        values, place = self.tap.sizes(log[self.tap.name][row : row + 1]), np.array([row])
        if isinstance(self.null, RandomDirections):
            level = float(self.null.levels(place).peak[0])
            return self._peaks(sizes(values).peak[0], level, floor)

        return self._strengths(values, float(self.null.threshold(place, values)[0]), floor)

    def _strengths(self, values: NDArray[np.floating], level: float, floor: float) -> Race:
        """Return the race of ``(1, class, neuron, feature_class, alternative)``."""
        strength, _, _, off_strength, _ = (found[0] for found in statistics(values))
        off_class = float(np.nan_to_num(np.median(off_strength)))
        # Without a data frame: that takes five times as long as reading the row.
        typical = np.median(strength.max(axis=1))
        learned = RULE.holds(strength, typical=typical, off_class=off_class, null=level) & (strength > floor)

        return Race("strength", self._names, self._rows(strength), self._rows(learned), off_class)

    def _peaks(self, peak: NDArray[np.floating], level: float, floor: float) -> Race:
        """Return the race of ``(feature,)``."""
        learned = (peak > RULE.excess * level * self.tap.norms) & (peak > floor)

        return Race("peak", self._names, self._rows(peak), None if np.isnan(level) else self._rows(learned))

    @property
    def _sides(self) -> int:
        return VIEWS if self.tap.alternatives == VIEWS else 1

    @property
    def _names(self) -> tuple[str, ...]:
        index = self.tap.index.iloc[:: self._sides, : -1 if self._sides == VIEWS else None]

        return tuple(printable(".".join(map(str, row))) for row in index.itertuples(index=False))

    def _rows(self, values: NDArray[Any]) -> NDArray[Any]:
        return values.reshape(-1, self._sides)
