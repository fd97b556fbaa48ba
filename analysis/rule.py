"""When a feature counts as learned: one stated rule, set against the run's own winners and against the null."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from probes.analysis.taps.null import PERCENTILE

__all__ = ["RULE", "LearnedRule", "last_steps"]


@dataclass(frozen=True)
class LearnedRule:
    """The rule by which a feature counts as learned: table of `features` in, the same table with `learned` out.

    **Of an own-class tap**, where classes have units of their own, a feature is learned at a step when its strength is

    * at least ``share`` of the run's typical winner: the median over classes of the strongest feature's strength at the
      run's last step. 0.25 lies between the weight of an off-class feature in single-view data (Gamma, about 0.15),
      below which a view cannot decide any sample, and that in multi-view data (0.4), above which it decides them all.
      A losing view stays near sigma_0, orders of magnitude below; and
    * more than ``margin`` times the null: the largest strength of a class's neurons at the same step on a feature of
      another class, its median over the run. At initialisation nothing passes this, whatever the typical winner is. A
      median, because a wrong feature that one class has really learned is no chance: it is reported beside the finding
      as off-class, and does not hide what else the class has learned; and
    * more than random directions reach: the 99th percentile, at the same step, of what the same run's neurons show
      along them beyond what their own features explain (`probes.analysis.taps.null`). Without that correction a random
      direction reaches about half of a winner's strength where all weights lie in the span of the features, as with
      private noise, and the slower features of students would not count, though they decide samples. A run that has
      recorded no random directions is judged by the first two alone, and its column `null` is empty.

    **Of any other tap** a feature is learned at a step when its peak, the largest absolute correlation of a unit with
    it, is more than ``excess`` times what random directions reach at the same step: the 99th percentile of their peaks,
    or, in a run that has recorded none, of all features at step 0. The peak, because the strength of a random direction
    adds up what every unit has learned of other things; where the recording has kept no units, the strength.

    Args:
        share: Fraction of the typical winner's strength, of own-class taps.
        margin: Multiple of the median off-class strength, of own-class taps.
        window: Share of the recorded steps, at the end, within which a feature that is `stable` never stops counting as
            learned.
        excess: Multiple of the null's 99th percentile, of other taps.

    Raises:
        ValueError: If ``share`` or ``window`` lies outside (0, 1], or ``margin`` or ``excess`` is below 1.

    Example:
        >>> str(LearnedRule(share=0.5)).split(",")[0]
        "strength >= 0.5 x the run's median winner and > 2 x its median off-class"
    """

    share: float = 0.25
    margin: float = 2.0
    window: float = 0.1
    excess: float = 1.25

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1 or min(self.margin, self.excess) < 1 or not 0 < self.window <= 1:
            raise ValueError(
                "expected `share` and `window` in (0, 1] and `margin` and `excess` >= 1, got "
                f"{self.share}, {self.window}, {self.margin} and {self.excess}"
            )

    def __str__(self) -> str:
        return (
            f"strength >= {self.share:g} x the run's median winner and > {self.margin:g} x its median off-class, "
            f"and > the {PERCENTILE:g}th percentile of its random directions where it recorded some"
        )

    def beside(self, source: str, *, statistic: str = "peak") -> str:
        """Return the rule for taps that are not own-class, with where their null comes from, as `null_source` says it.

        Example:
            >>> RULE.beside("all features at step 0")
            'peak > 1.25 x the 99th percentile of the peaks of all features at step 0'
        """
        null = (
            f"the {PERCENTILE:g}th percentile of the {statistic}s of {source}" if source else "a null that is not known"
        )

        return f"{statistic} > {self.excess:g} x {null}"

    def holds(self, strength: Any, *, typical: Any, off_class: Any, null: Any) -> Any:
        """Return where strengths of own-class taps count as learned; numbers, arrays or columns, as `strength` is.

        Args:
            strength: Strengths.
            typical: The typical winner's strength.
            off_class: The median off-class strength at the same step; NaN where the own-class block alone was recorded,
                which nothing fails.
            null: What random directions reach at the same step; NaN where none were recorded, which nothing fails.
        """
        return (strength >= self.share * typical) & ~(strength <= self.margin * off_class) & ~(strength <= null)

    def __call__(self, features: pd.DataFrame) -> pd.DataFrame:
        """Return the table with the columns `learned` and `rule`; the rule also stands in ``attrs``."""
        if "off_strength" not in features:
            return self._of_any_tap(features)
        off_class = features.groupby(["run", "step"], observed=True)["off_strength"].transform("median")
        typical = self.typical_winner(features)
        found = self.holds(features["strength"], typical=typical, off_class=off_class, null=features["null"])
        table = features.assign(learned=found, rule=str(self))
        table.attrs["rule"] = str(self)

        return table

    def _of_any_tap(self, features: pd.DataFrame) -> pd.DataFrame:
        by_peak = features["peak"] > self.excess * features["null_peak"]
        by_strength = features["peak"].isna() & (features["strength"] > self.excess * features["null"])
        table = features.assign(learned=by_peak | by_strength)
        reduced = len(features) > 0 and bool(features["peak"].isna().all())
        statistic = "strength" if reduced and features["strength"].notna().any() else "peak"
        table.attrs["rule"] = self.beside(features.attrs.get("null", ""), statistic=statistic)

        return table

    def typical_winner(self, features: pd.DataFrame) -> "pd.Series[float]":
        """Return for each row of a table of `features` of an own-class tap the typical winner of its run."""
        stronger = last_steps(features).groupby(["run", "class"], observed=True)["strength"].max()

        return features["run"].astype(object).map(stronger.groupby("run", observed=True).median()).astype(float)


RULE = LearnedRule()


def last_steps(features: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of each run's last step in the table.

    Example:
        >>> last_steps(pd.DataFrame({"run": ["a", "a", "b"], "step": [0, 5, 3]})).values.tolist()
        [['a', 5], ['b', 3]]
    """
    last = features.groupby("run", observed=True)["step"].transform("max")

    return features[features["step"] == last].reset_index(drop=True)
