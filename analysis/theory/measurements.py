"""How each claim is measured: one function a claim, from a study's evidence to measurements with their intervals.

A function yields nothing where the study has no such run, and one measurement for each variant where there are several.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd

from probes.analysis.intervals import Estimate, bootstrapped, difference, mean_of, rate, weighted_sum
from probes.analysis.theory.draws import DRAWS
from probes.analysis.theory.ensembles import ensemble_error
from probes.analysis.theory.evidence import Evidence
from probes.analysis.theory.findings.unions import gain_over_one
from probes.analysis.theory.induction import CAUSES
from probes.analysis.theory.inputs.claims import INPUTS
from probes.analysis.theory.inputs.inputs import is_inputs
from probes.analysis.theory.measurement import Measurement
from probes.logs.protocol import LogLike

__all__ = ["MEASURES", "asked"]


def _train_error(evidence: Evidence) -> Iterator[Measurement]:
    errors = evidence.errors(_all(evidence, "single"), "train_error")
    if errors:
        mistakes = sum(round(error.value * error.n) for error in errors)
        pooled = rate(mistakes, sum(error.n for error in errors))
        yield Measurement(pooled, f"n: training samples of {len(errors)} runs together; interval: Wilson")


def _single_error(evidence: Evidence) -> Iterator[Measurement]:
    errors = evidence.errors(_all(evidence, "single"))
    if errors:
        yield Measurement(_mean_error(errors), _over_runs(errors))


def _ensemble_error(evidence: Evidence) -> Iterator[Measurement]:
    singles = _all(evidence, "single")
    error = ensemble_error(singles) if len(singles) > 1 else None
    if error:
        note = f"ensemble of {len(singles)} runs; n: test samples of the smaller part; interval: Wilson's of both parts"
        yield Measurement(error, note)


def _student_error(role: str) -> Callable[[Evidence], Iterator[Measurement]]:
    def measured(evidence: Evidence) -> Iterator[Measurement]:
        for variant, logs in evidence.with_role(role).items():
            errors = evidence.errors(logs)
            if errors:
                yield Measurement(_mean_error(errors), _over_runs(errors), variant)

    return measured


def _features_learned(evidence: Evidence) -> Iterator[Measurement]:
    for variant, logs in evidence.with_role("distilled").items():
        table = evidence.learned
        table = table[table["run"].isin([log.manifest.run_id for log in logs])]
        note = (
            f"n: features of {len(logs)} runs together; interval: Wilson; largest off-class correlation "
            f"{table['off_peak'].max():.3g}, largest strength {table['strength'].max():.3g}"
        )
        yield Measurement(rate(int(table["learned"].sum()), len(table)), note, variant)


def _excess_over_union(evidence: Evidence) -> Iterator[Measurement]:
    for variant in evidence.with_role("self_distilled"):
        table = evidence.pairs[evidence.pairs["variant"] == variant]
        if len(table):
            each = zip(table["excess"], table["low"], table["high"], strict=True)
            yield Measurement(_mean_over_samples([Estimate(*row, n=1) for row in each]), _pair_note(table), variant)


def _gain_of_distilled(evidence: Evidence) -> Iterator[Measurement]:
    for variant, logs in evidence.with_role("distilled").items():
        gain = gain_over_one(evidence.errors(logs), logs)
        if gain:
            note = f"mean error of {len(logs)} runs less that of their ensemble; n: runs; interval: over test samples"
            yield Measurement(gain, note, variant)


def _predicted(evidence: Evidence) -> Iterator[Measurement]:
    table = evidence.winners[evidence.winners["role"] == "single"]
    counts = table["learned"].value_counts()
    decided = table[table["learned"].isin(["view 0", "view 1"])]
    if len(decided):
        note = (
            f"n: classes of {table['run'].nunique()} runs that learned exactly one view ({counts.get('both', 0)} more "
            f"learned both, {counts.get('none', 0)} none); prediction without gap factor; interval: Wilson"
        )
        yield Measurement(rate(int(decided["agrees"].sum()), len(decided)), note)


def _winners_size(evidence: Evidence) -> Iterator[Measurement]:
    table = evidence.winners[evidence.winners["role"] == "single"]
    if len(table):
        note = f"|M|/k; n: classes of {table['run'].nunique()} runs; interval: Wilson"
        yield Measurement(rate(int(table["winner"].sum()), len(table)), note)


def _losing_view(evidence: Evidence) -> Iterator[Measurement]:
    table = evidence.winners[(evidence.winners["role"] == "single") & evidence.winners["winner"]]
    raced = table[table["learned"] != "none"]
    if len(raced):
        largest = raced.groupby("run")["losing_share"].max()
        note = (
            f"largest peak of a losing view over its winner's, at the last step, in {len(raced)} classes of M "
            f"({len(table) - len(raced)} more learned no view); n: runs; interval: bootstrap of the largest over runs"
        )
        yield Measurement(bootstrapped(largest, np.max), note)


def _gain_of_average(evidence: Evidence) -> Iterator[Measurement]:
    singles = [error.value for error in evidence.errors(_all(evidence, "single"))]
    averages = [error.value for error in evidence.errors(_all(evidence, "average"))]
    if averages and len(singles) > 1:
        note = f"mean error of {len(singles)} singles less that of {len(averages)} averages; n: runs; interval: t"
        yield Measurement(difference(singles, averages), note)


MEASURES: Mapping[str, Callable[[Evidence], Iterator[Measurement]]] = MappingProxyType({
    "single.train_error": _train_error,
    "single.test_error_mu": _single_error,
    "ensemble.test_error_mu": _ensemble_error,
    "distilled.test_error_mu": _student_error("distilled"),
    "distilled.features_learned": _features_learned,
    "self_distilled.test_error_mu": _student_error("self_distilled"),
    "self_distilled.excess_over_union_mu": _excess_over_union,
    "ensemble_of_distilled.gain_mu": _gain_of_distilled,
    "winners.predicted": _predicted,
    "winners.size": _winners_size,
    "losing_view.stays_small": _losing_view,
    "average.gain_mu": _gain_of_average,
    **CAUSES,
    **DRAWS,
    **INPUTS,
})


def asked(evidence: Evidence) -> Mapping[str, Callable[[Evidence], Iterator[Measurement]]]:
    """Return the measures that a study is asked for: of runs on Gaussian inputs those of Figure 7, else all others.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> "gaussian_inputs.error_gain" in asked(Evidence(example_study()))
        False
    """
    special = is_inputs(evidence.logs)

    return {claim: measure for claim, measure in MEASURES.items() if (claim in INPUTS) == special}


def _all(evidence: Evidence, role: str) -> Sequence[LogLike]:
    return [log for logs in evidence.with_role(role).values() for log in logs]


def _mean_error(errors: Sequence[Estimate]) -> Estimate:
    """Return the mean over runs; an error is never below 0, its t interval might be."""
    mean = mean_of(errors)

    return mean._replace(low=max(mean.low, 0.0))


def _over_runs(errors: Sequence[Estimate]) -> str:
    source = "t over runs" if np.ptp([error.value for error in errors]) else "of one run's test samples"

    return f"mean over runs; n: runs; interval: {source}"


def _mean_over_samples(estimates: Sequence[Estimate]) -> Estimate:
    """Return the mean of estimates with the interval that their own leave, as if they were independent."""
    return weighted_sum(estimates, [1 / len(estimates)] * len(estimates))._replace(n=len(estimates))


def _pair_note(table: pd.DataFrame) -> str:
    each = zip(table["error_mu"], table["uncovered"], strict=True)
    listed = ", ".join(f"{error:.3f} less {uncovered:.3f}" for error, uncovered in each)

    return (
        f"error less uncovered share, mean over pairs; n: pairs; interval: over test samples; {table['within'].sum()} "
        f"of {len(table)} pairs have 0 in their own interval: {listed}"
    )
