"""Every table of a study, each computed once and when it is first asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from probes.analysis.columns import variant_order
from probes.analysis.coverage import coverage
from probes.analysis.error_rates import error_rates
from probes.analysis.facts import runs, usable
from probes.analysis.frames import features
from probes.analysis.growth import growth
from probes.analysis.intervals import Estimate
from probes.analysis.learned import RULE, LearnedRule, learned
from probes.analysis.pairs import pairs_of
from probes.analysis.winners import winners
from probes.store.protocol import LogLike

__all__ = ["Evidence"]

# Steps a line is drawn with: as many as a screen shows, and few enough for a figure that is text.
_POINTS = 200
_ESTIMATE = ("error", "low", "high", "n")


@dataclass(frozen=True)
class Evidence:
    """The tables of one study under one rule of what counts as learned.

    Attributes:
        study: All runs. Those that diverged, failed or have no recorded step appear in `runs` only.
        rule: When a feature counts as learned.

    Example:
        >>> from probes.analysis.example import example_study
        >>> evidence = Evidence(example_study())
        >>> list(evidence.with_role("self_distilled"))
        ['continued', 'fresh']
    """

    study: Sequence[LogLike]
    rule: LearnedRule = RULE

    @cached_property
    def logs(self) -> Sequence[LogLike]:
        """The runs that findings rest on."""
        return usable(self.study)

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row per run, whatever became of it."""
        return runs(self.study)

    @cached_property
    def features(self) -> pd.DataFrame:
        """One row per (run, step, class, view), of about 200 steps a run, the first and the last among them."""
        longest = max((len(log.steps) for log in self.logs), default=0)
        return features(self.logs, every=max(1, longest // _POINTS))

    @cached_property
    def learned(self) -> pd.DataFrame:
        """One row per (run, class, view) at the last step."""
        return learned(self.logs, rule=self.rule, frame=self.features)

    @cached_property
    def winners(self) -> pd.DataFrame:
        """One row per (run, class) of the runs with an initialisation of their own."""
        return winners(self.logs, rule=self.rule, frame=self.features)

    @cached_property
    def coverage(self) -> pd.DataFrame:
        """One row per number of ensemble members."""
        return coverage(self.logs, rule=self.rule, frame=self.features)

    @cached_property
    def growth(self) -> pd.DataFrame:
        """One row per (student, class, view)."""
        students = self._playing("distilled", "self_distilled")
        return growth(students, self.logs, rule=self.rule, frame=self.features)

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """One row per self-distilled run."""
        return pairs_of(self._playing("self_distilled"), self.growth, self.error_rates)

    @cached_property
    def error_rates(self) -> pd.DataFrame:
        """One row per (run, measure)."""
        return error_rates(self.logs)

    def with_role(self, role: str) -> Mapping[str, Sequence[LogLike]]:
        """Return the role's runs by variant, the one a recipe stands by first."""
        logs = self._playing(role)
        stated = [update for log in logs[:1] for update in log.manifest.recipe.get("runs", {}).get("updates", [])]

        def order(variant: str) -> tuple[int, int, str]:
            return (stated.index(variant) if variant in stated else len(stated), *variant_order(role, variant))

        variants = sorted({log.manifest.variant for log in logs}, key=order)
        return {variant: [log for log in logs if log.manifest.variant == variant] for variant in variants}

    def errors(self, logs: Sequence[LogLike], measure: str = "test_error_mu") -> Sequence[Estimate]:
        """Return one estimate for each of the runs that were evaluated."""
        table = self.error_rates
        chosen = table[table["run"].isin([log.manifest.run_id for log in logs]) & (table["measure"] == measure)]

        return [Estimate(*row) for row in zip(*(chosen[name] for name in _ESTIMATE), strict=True)]

    def _playing(self, *roles: str) -> Sequence[LogLike]:
        return [log for log in self.logs if log.manifest.role in roles]
