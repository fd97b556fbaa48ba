"""When a feature counts as learned: one stated rule, set against the run's own winners and against the null."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from probes.analysis.chance import PERCENTILE
from probes.analysis.columns import TABLES
from probes.analysis.facts import usable
from probes.analysis.frames import closing
from probes.analysis.intervals import Estimate, rate
from probes.store.protocol import LogLike

__all__ = ["RULE", "LearnedRule", "last_steps", "learned"]


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
      directions beyond what their own features explain (`probes.analysis.chance`). Without that correction a random
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

    def __call__(self, features: pd.DataFrame) -> pd.DataFrame:
        """Return the table with the columns `learned` and `rule`; the rule also stands in ``attrs``."""
        null = features.groupby(["run", "step"], observed=True)["off_strength"].transform("median")
        strong = features["strength"] >= self.share * self._typical_winner(features)
        chance = features["strength"] <= features["chance"]  # never, where no random directions were recorded
        found = strong & (features["strength"] > self.margin * null) & ~chance
        table = features.assign(learned=found, rule=str(self))
        table.attrs["rule"] = str(self)

        return table

    def null_rate(self, features: pd.DataFrame) -> Estimate:
        """Return how often the null reaches ``share`` of the typical winner at a run's last step.

        Raises:
            ValueError: If the table has no row.
        """
        last = last_steps(features)
        reached = last["off_strength"] >= self.share * self._typical_winner(last)

        return rate(int(reached.sum()), len(last))

    def _typical_winner(self, features: pd.DataFrame) -> "pd.Series[float]":
        """Return for each row that of its run."""
        stronger = last_steps(features).groupby(["run", "class"], observed=True)["strength"].max()

        return features["run"].astype(object).map(stronger.groupby("run", observed=True).median()).astype(float)


RULE = LearnedRule()


def learned(
    logs: LogLike | Iterable[LogLike], *, rule: LearnedRule = RULE, frame: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return one row per (run, class, view) at the run's last step, with whether the feature was learned.

    `stable` says whether it also counted as learned at every step looked at within the rule's window before the last:
    all that ``frame`` has there, else up to 16 evenly spaced ones. Runs that diverged, failed or have no recorded step
    are left out.

    Args:
        logs: The runs of a study, or one log.
        rule: When a feature counts as learned.
        frame: Table of `features` of these runs, where it is already there; else the logs are read.

    Raises:
        LogError: If a log has no series (class, neuron, feature_class, view), or two runs have the same name.

    Example:
        >>> from probes.analysis.example import example_study
        >>> table = learned(example_study()[-1])
        >>> int(table["learned"].sum()), int(table["stable"].sum()), table.attrs["rule"].split(",")[0]
        (6, 6, "strength >= 0.25 x the run's median winner and > 2 x its median off-class")
    """
    steps = rule(closing(usable(logs), rule.window, frame=frame))
    steps["stable"] = steps.groupby(["run", "class", "view"], observed=True)["learned"].transform("all")
    table = last_steps(steps).reindex(columns=list(TABLES["learned"]))
    table.attrs["rule"] = str(rule)

    return table


def last_steps(features: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of each run's last step in the table.

    Example:
        >>> last_steps(pd.DataFrame({"run": ["a", "a", "b"], "step": [0, 5, 3]})).values.tolist()
        [['a', 5], ['b', 3]]
    """
    last = features.groupby("run", observed=True)["step"].transform("max")

    return features[features["step"] == last].reset_index(drop=True)
