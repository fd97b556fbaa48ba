"""Every table of a study, each computed once and when it is first asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from probes.analysis.columns import variant_order
from probes.analysis.facts import learner, runs, usable
from probes.analysis.findings.learned import RULE, LearnedRule, learned
from probes.analysis.intervals import Estimate
from probes.analysis.taps.frames import features
from probes.analysis.theory.findings.bounds import bounds
from probes.analysis.theory.findings.coverage import coverage, uncovered
from probes.analysis.theory.findings.deletion import deletion
from probes.analysis.theory.findings.error_rates import error_rates
from probes.analysis.theory.findings.forces import force_shares, forces
from probes.analysis.theory.findings.growth import growth
from probes.analysis.theory.findings.lottery import lottery
from probes.analysis.theory.findings.margins import confusion, margins
from probes.analysis.theory.findings.memorisation import memorisation
from probes.analysis.theory.findings.pairs import pairs_of
from probes.analysis.theory.findings.phases import phases
from probes.analysis.theory.findings.surviving_neurons import kept_alive
from probes.analysis.theory.findings.timing import escape, timing
from probes.analysis.theory.findings.transfer import lessons_of
from probes.analysis.theory.findings.unions import unions
from probes.analysis.theory.findings.winning_set import winners
from probes.analysis.theory.inputs.inputs import COLUMNS, inputs, is_inputs
from probes.errors import LogError
from probes.logs.protocol import LogLike

__all__ = ["Evidence"]

# Steps a line is drawn with: as many as a screen shows, and few enough for a figure that is text.
_POINTS = 200
_ESTIMATE = ("error", "low", "high", "n")
# Learners that are linear in what they train: their features are those of the initialisation, and none wins a race.
_LINEAR = frozenset({"tangent", "random_features"})


@dataclass(frozen=True)
class Evidence:
    """The tables of one study under one rule of what counts as learned.

    Attributes:
        study: All runs. Those that diverged, failed or have no recorded step appear in `runs` only.
        rule: When a feature counts as learned.

    Example:
        >>> from probes.analysis.theory.example import example_study
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
    def learners(self) -> Sequence[str]:
        """What of their networks the runs train, each learner once."""
        return sorted({learner(log) for log in self.logs})

    @cached_property
    def races(self) -> bool:
        """Whether views race to be learned: not where a learner is linear in what it trains."""
        return _LINEAR.isdisjoint(self.learners)

    @cached_property
    def features(self) -> pd.DataFrame:
        """One row per (run, step, class, view), of about 200 steps a run, the first and the last among them.

        Raises:
            LogError: If no feature is learned, because a learner is linear in what it trains.
        """
        if not self.races:
            raise LogError(
                f"expected networks that learn features, got `network.kind` {', '.join(self.learners)}: the features "
                "of a linear learner stay as initialisation drew them, so that errors are all there is to compare"
            )
        return features(self.logs, every=self._every)

    @cached_property
    def learned(self) -> pd.DataFrame:
        """One row per (run, class, view) at the last step."""
        return learned(self.logs, rule=self.rule, frame=self.features)

    @cached_property
    def winners(self) -> pd.DataFrame:
        """One row per (run, class) of the runs with an initialisation of their own."""
        return winners(self.logs, rule=self.rule, frame=self.features)

    @cached_property
    def confusion(self) -> pd.DataFrame:
        """One row per (prediction, predicted, learned), over the singles or, where there are none, all runs."""
        table = self.winners
        return confusion(table[table["role"] == "single"] if self.with_role("single") else table)

    @cached_property
    def margins(self) -> pd.DataFrame:
        """One row per (run, class) of the runs with an initialisation of their own."""
        return margins(self.logs, rule=self.rule, frame=self.features)

    @cached_property
    def kept_alive(self) -> pd.DataFrame:
        """One row per (run, class, view) of the runs with an initialisation of their own."""
        return kept_alive(self.logs, rule=self.rule, frame=self.features)

    @cached_property
    def timing(self) -> pd.DataFrame:
        """One row per (run, class, view), to the steps of `features`."""
        return timing(self.logs, rule=self.rule, frame=self.features)

    @cached_property
    def escape(self) -> pd.DataFrame:
        """One row per run for which escape times are predicted."""
        return escape(self.timing)

    @cached_property
    def phases(self) -> pd.DataFrame:
        """One row per run, to the steps of `features`."""
        return phases(self.logs, rule=self.rule, frame=self.features)

    @cached_property
    def forces(self) -> pd.DataFrame:
        """One row per (run with a teacher, step, term, class, view), at about 200 steps a run."""
        return forces(self.logs, every=self._every)

    @cached_property
    def force_shares(self) -> pd.DataFrame:
        """One row per (run with a teacher, class, view, term)."""
        return force_shares(self.logs, rule=self.rule, frame=self.features)

    @cached_property
    def memorisation(self) -> pd.DataFrame:
        """One row per (run, step at which noise was measured)."""
        return memorisation(self.logs, rule=self.rule, frame=self.features)

    @cached_property
    def coverage(self) -> pd.DataFrame:
        """One row per number of ensemble members."""
        return coverage(self.logs, rule=self.rule, frame=self.features)

    @cached_property
    def lottery(self) -> pd.DataFrame:
        """One row per (class, view) of the members of the ensemble."""
        return lottery(self.logs, rule=self.rule, frame=self.features)

    @cached_property
    def uncovered(self) -> pd.DataFrame:
        """One row per feature that no member of the ensemble learned."""
        return uncovered(self.logs, rule=self.rule, frame=self.features)

    @cached_property
    def deletion(self) -> pd.DataFrame:
        """One row per (run, class, view) of the runs that were tested by deletion."""
        return deletion(self.logs, rule=self.rule, frame=self.features)

    @cached_property
    def bounds(self) -> pd.DataFrame:
        """One row per (run, class, bound) of the singles, which the theory bounds: every step of theirs is read."""
        return bounds(self._playing("single"), rule=self.rule, frame=self.features)

    @cached_property
    def lessons(self) -> pd.DataFrame:
        """One row per (student, teacher)."""
        return lessons_of(self._students, self.growth, self.logs, rule=self.rule, frame=self.features)

    @cached_property
    def unions(self) -> pd.DataFrame:
        """One row per (role, variant) of the students."""
        return unions(self._students, self.logs, rule=self.rule, frame=self.features)

    @cached_property
    def growth(self) -> pd.DataFrame:
        """One row per (student, class, view)."""
        return growth(self._students, self.logs, rule=self.rule, frame=self.features)

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """One row per self-distilled run."""
        return pairs_of(self._playing("self_distilled"), self.growth, self.error_rates)

    @cached_property
    def error_rates(self) -> pd.DataFrame:
        """One row per (run, measure)."""
        return error_rates(self.logs)

    @cached_property
    def inputs(self) -> pd.DataFrame:
        """One row per learner of a study on Gaussian inputs; none for any other study."""
        return inputs(self.logs) if is_inputs(self.logs) else pd.DataFrame(columns=list(COLUMNS))

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

    @property
    def _every(self) -> int:
        return max(1, max((len(log.steps) for log in self.logs), default=0) // _POINTS)

    @property
    def _students(self) -> Sequence[LogLike]:
        return self._playing("distilled", "self_distilled")

    def _playing(self, *roles: str) -> Sequence[LogLike]:
        return [log for log in self.logs if log.manifest.role in roles]
