"""What all students of a kind have together, beside one of them, their teachers, and what their ensemble gains."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from probes.analysis.intervals import Estimate, weighted_sum
from probes.analysis.panel import Panel
from probes.analysis.study import Study, finding
from probes.analysis.theory.ensembles import ensemble_error
from probes.analysis.theory.findings.error_rates import errors_of
from probes.analysis.theory.measurement import Measurement
from probes.analysis.theory.roles import race_sets, with_role
from probes.log.protocol import LogLike

__all__ = ["CLAIMS", "COLUMNS", "gain_over_one", "panel", "unions"]

COLUMNS = {
    "runs": "number of students",
    "features_learned": "share of all features that one student learned, mean over students",
    "union": "share of all features that at least one of the students learned",
    "teachers_union": "share of all features that at least one of their teachers learned",
    "beyond": "features that a student learned and no teacher",
    "left": "features that a teacher learned and no student",
    "gain": "error in mu of one student, mean, less that of the ensemble of all",
    "low": "lower end of its 95 % interval",
    "high": "upper end of its 95 % interval",
    "null": "the gain of as many of their teachers",
}

_TABLE = ("role", "variant", *COLUMNS, "rule")
_RULE = (
    "gain: mean error of one student less that of their ensemble, in mu, interval over test samples; null: the same of "
    "as many of their teachers; {}"
)


@finding
def unions(study: Study) -> pd.DataFrame:
    """Return one row per (role, variant) of students: what one has, what all have, what their teachers have.

    `gain` is NaN where there is one student only, or where one was not tested. Teachers that are not in the study are
    left out.

    Args:
        study: A study of the theory, logs, or a path.

    Raises:
        LogError: a log has no series (class, neuron, feature_class, view), or runs disagree on features or samples.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = unions(example_study())
        >>> table[["variant", "features_learned", "union", "teachers_union"]].round(2).values.tolist()
        [['stopped', 1.0, 1.0, 1.0], ['continued', 0.83, 0.83, 0.58], ['fresh', 0.67, 0.67, 0.58]]
    """
    kinds: dict[tuple[str, str], list[LogLike]] = {}
    for log in study.students:
        kinds.setdefault((log.manifest.role, log.manifest.variant), []).append(log)

    rows = [_union(study, kind, logs) for kind, logs in kinds.items()]
    table = pd.DataFrame(rows).assign(rule=str(study.rule)).reindex(columns=list(_TABLE))
    table.attrs["rule"] = _RULE.format(study.rule)
    return table


def panel(study: Study) -> Panel | None:
    """Return the table of what students have together."""
    table = unions(study)
    caption = (
        "What one student of each kind has learned, what all of them together, and what their teachers together. Gain: "
        "by how much the students' ensemble errs less than one of them, in units of μ; null: the same of as many "
        "teachers. The theory lets distilled students gain nothing, because each has all already."
    )
    return Panel("unions", "What students have together", caption, table) if len(table) else None


def gain_over_one(errors: Sequence[Estimate], logs: Sequence[LogLike]) -> Estimate | None:
    """Return by how much the ensemble of some runs errs less than one of them, in mu; None without two tested runs.

    Args:
        errors: Test error in mu of each run, with its interval over samples.
        logs: The runs.

    Raises:
        LogError: the runs were tested on different samples.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> gain_over_one([], example_study()[:1])
    """
    together = ensemble_error(logs) if len(logs) > 1 and len(errors) == len(logs) else None
    if together is None:
        return None
    turned = together._replace(value=-together.value, low=-together.high, high=-together.low)
    mean = weighted_sum(errors, [1 / len(errors)] * len(errors))

    return weighted_sum([mean, turned], [1.0, 1.0])._replace(n=len(logs))


def _union(study: Study, kind: tuple[str, str], logs: Sequence[LogLike]) -> dict[str, object]:
    teachers = list({teacher.label: teacher for log in logs for teacher in study.teachers(log)}.values())
    known = race_sets(study, logs)
    union = known.any(axis=0)
    taught = race_sets(study, teachers).any(axis=0) if teachers else np.zeros_like(union)
    gain, null = _gain(study, logs), _gain(study, teachers[: len(logs)])

    return {
        "role": kind[0],
        "variant": kind[1],
        "runs": len(logs),
        "features_learned": known.mean(),
        "union": union.mean(),
        "teachers_union": taught.mean(),
        "beyond": int((union & ~taught).sum()),
        "left": int((taught & ~union).sum()),
        "gain": gain.value,
        "low": gain.low,
        "high": gain.high,
        "null": null.value,
    }


def _gain(study: Study, logs: Sequence[LogLike]) -> Estimate:
    return gain_over_one(errors_of(study, logs), logs) or Estimate(np.nan, np.nan, np.nan, len(logs))


def _gain_of_distilled(study: Study) -> Iterator[Measurement]:
    for variant, logs in with_role(study, "distilled").items():
        gain = gain_over_one(errors_of(study, logs), logs)
        if gain:
            note = f"mean error of {len(logs)} runs less that of their ensemble; n: runs; interval: over test samples"
            yield Measurement(gain, note, variant)


CLAIMS: Mapping[str, Callable[[Study], Iterator[Measurement]]] = {"ensemble_of_distilled.gain_mu": _gain_of_distilled}
