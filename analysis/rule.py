"""When a feature counts as learned: one stated rule, set against the run's own winners and against the null."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from probes.analysis.taps.null import PERCENTILE

__all__ = ["RULE", "LearnedRule", "last_steps"]


@dataclass(frozen=True)
class LearnedRule:
    """The rule by which a feature counts as learned: table of `features` in, the same table with `learned` out.

    A feature is learned at a step when its strength there is

    * at least ``share`` of the run's typical winner: the median over classes of the stronger view's strength at the
      run's last step. 0.25 lies between the weight of an off-class feature in single-view data (Gamma, about 0.15),
      below which a view cannot decide any sample, and that in multi-view data (0.4), above which it decides them all.
      A losing view stays near sigma_0, orders of magnitude below; and
    * more than ``margin`` times the null: the largest strength of a class's neurons at the same step on a feature of
      another class, its median over the run. At initialisation nothing passes this, whatever the typical winner is. A
      median, because a wrong feature that one class has really learned is no chance: it is reported beside the finding
      as off-class, and does not hide what else the class has learned; and
    * more than chance: the 99th percentile, at the same step, of what the same run's neurons show along random
      directions beyond what their own features explain (`probes.analysis.taps.null`). Without that correction a random
      direction reaches about half of a winner's strength where all weights lie in the span of the features, as with
      private noise, and the slower features of students would not count, though they decide samples. A run that has
      recorded no random directions is judged by the first two alone, and its column `chance` is empty.

    Args:
        share: Fraction of the typical winner's strength.
        margin: Multiple of the median off-class strength.
        window: Share of the recorded steps, at the end, within which a feature that is `stable` never stops counting as
            learned.

    Raises:
        ValueError: If ``share`` or ``window`` lies outside (0, 1], or ``margin`` is below 1.

    Example:
        >>> str(LearnedRule(share=0.5)).split(",")[0]
        "strength >= 0.5 x the run's median winner and > 2 x its median off-class"
    """

    share: float = 0.25
    margin: float = 2.0
    window: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1 or self.margin < 1 or not 0 < self.window <= 1:
            raise ValueError(
                f"expected `share` and `window` in (0, 1] and `margin` >= 1, got {self.share}, {self.window} and "
                f"{self.margin}"
            )

    def __str__(self) -> str:
        return (
            f"strength >= {self.share:g} x the run's median winner and > {self.margin:g} x its median off-class, "
            f"and > the {PERCENTILE:g}th percentile of its random directions where it recorded some"
        )

    def holds(self, strength: Any, *, typical: Any, null: Any, chance: Any) -> Any:
        """Return where strengths count as learned; all are numbers, arrays or columns of a table, as `strength` is.

        Args:
            strength: Strengths.
            typical: The typical winner's strength.
            null: The median off-class strength at the same step; NaN where the own-class block alone was recorded,
                which nothing fails.
            chance: What random directions reach at the same step; NaN where none were recorded, which nothing fails.
        """
        return (strength >= self.share * typical) & ~(strength <= self.margin * null) & ~(strength <= chance)

    def __call__(self, features: pd.DataFrame) -> pd.DataFrame:
        """Return the table with the columns `learned` and `rule`; the rule also stands in ``attrs``."""
        null = features.groupby(["run", "step"], observed=True)["off_strength"].transform("median")
        typical = self.typical_winner(features)
        found = self.holds(features["strength"], typical=typical, null=null, chance=features["chance"])
        table = features.assign(learned=found, rule=str(self))
        table.attrs["rule"] = str(self)

        return table

    def typical_winner(self, features: pd.DataFrame) -> "pd.Series[float]":
        """Return for each row of a table of `features` the typical winner of its run."""
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
