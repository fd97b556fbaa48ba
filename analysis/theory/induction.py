"""How claims about causes are measured: the proof's bounds at every step, coverage as drawn, phase III, deletion."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import numpy as np

from probes.analysis.intervals import bootstrapped, rate
from probes.analysis.taps.own_class import OFF_CLASS
from probes.analysis.theory.evidence import Evidence
from probes.analysis.theory.findings.bounds import BOUNDS
from probes.analysis.theory.measurement import Measurement
from probes.errors import LogError

__all__ = ["CAUSES"]

_UNITS = {
    "losing_view": "the losing views of classes of M",
    "off_class": "classes, by their correlations with other classes' features,",
    "negative": "classes, by their negative correlations,",
    "not_kept_alive": "classes, by their neurons outside the kept-alive set,",
}


def _within(bound: str) -> Callable[[Evidence], Iterator[Measurement]]:
    def measured(evidence: Evidence) -> Iterator[Measurement]:
        table = evidence.bounds
        table = table[table["bound"] == bound]
        if len(table):
            worst = table.sort_values("largest").iloc[-1]
            note = (
                f"share of {_UNITS[bound]} within {table['allowed'].median():.3g} sigma_0 at all recorded steps; "
                f"largest {worst['largest']:.3g} sigma_0 (run {worst['run']}, class {worst['class']}), at step 0 "
                f"{table['null'].max():.3g}; n: classes of {table['run'].nunique()} runs; interval: Wilson"
            )
            yield Measurement(rate(int(table["inside"].sum()), len(table)), note)
        elif len(evidence.bounds) and evidence.features["off_strength"].isna().all():
            raise LogError(OFF_CLASS)

    return measured


def _balance(evidence: Evidence) -> Iterator[Measurement]:
    table = evidence.bounds
    table = table[table["bound"] == "balance"].dropna(subset="largest")
    if len(table):
        largest = table.groupby("run")["largest"].max()
        note = (
            "largest 0.4 Phi_i / Phi_j of two classes at the last step; n: runs; interval: bootstrap of the largest "
            "over runs"
        )
        yield Measurement(bootstrapped(largest, np.max), note)


def _coverage(evidence: Evidence) -> Iterator[Measurement]:
    table = evidence.lottery if evidence.with_role("single") else evidence.lottery.head(0)
    table = table[table["runs"] > 1].dropna(subset="lottery")
    if len(table):
        runs, lost = table["runs"], table["runs"] - table["won"]
        excess = (1 - table["lottery"]) ** 2 - lost * (lost - 1) / (runs * (runs - 1))
        note = (
            f"coverage of all pairs of {runs.iloc[0]} runs less what the lottery of the initialisation (S, q and m "
            "alone) gives; n: classes; interval: bootstrap of the mean over classes"
        )
        yield Measurement(bootstrapped(excess.groupby(table["class"]).mean(), np.mean), note)


def _deletion(evidence: Evidence) -> Iterator[Measurement]:
    table = evidence.deletion
    table = table[(table["role"] == "single") & table["learned"].astype(bool)].dropna(subset="before")
    if len(table):
        lost = (table["control"] - table["after"]).groupby(table["run"]).mean()
        means = table[["before", "after", "control"]].mean()
        note = (
            f"accuracy on {len(table)} learned views, mean over views: {means['before']:.3f} with all neurons, "
            f"{means['after']:.3f} without the credited ones, {means['control']:.3f} without those of the other view; "
            "measured: the last two's difference; n: runs; interval: bootstrap of the mean over runs"
        )
        yield Measurement(bootstrapped(lost, np.mean), note)


def _no_new_features(evidence: Evidence) -> Iterator[Measurement]:
    table = evidence.phases
    table = table[(table["role"] == "single") & (table["missing"] > 0)]
    if len(table):
        note = (
            f"share of the features not learned when phase II ended that {len(table)} runs learned in phase III; "
            f"{table['null'].sum():.1f} in all if crossings were spread evenly; n: features; interval: Wilson"
        )
        yield Measurement(rate(int(table["new_features"].sum()), int(table["missing"].sum())), note)


CAUSES: Mapping[str, Callable[[Evidence], Iterator[Measurement]]] = MappingProxyType({
    **{f"induction.{bound}": _within(bound) for bound in BOUNDS if bound != "balance"},
    "induction.balance": _balance,
    "memorisation.new_features": _no_new_features,
    "coverage.as_drawn": _coverage,
    "deletion.causal": _deletion,
})
