"""What all students of a kind have together, beside one of them, their teachers, and what their ensemble gains."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from probes.analysis.columns import TABLES
from probes.analysis.facts import usable
from probes.analysis.findings.learned import RULE, LearnedRule, learned
from probes.analysis.intervals import Estimate, weighted_sum
from probes.analysis.members import learned_sets
from probes.analysis.theory.ensembles import ensemble_error
from probes.analysis.theory.findings.error_rates import error_rates
from probes.logs.protocol import LogLike

__all__ = ["gain_over_one", "unions"]

_ESTIMATE = ("error", "low", "high", "n")
_RULE = (
    "gain: mean error of one student less that of their ensemble, in mu, interval over test samples; null: the same of "
    "as many of their teachers; {}"
)


def unions(
    students: LogLike | Iterable[LogLike],
    teachers: LogLike | Iterable[LogLike],
    *,
    rule: LearnedRule = RULE,
    frame: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return one row per (role, variant) of students: what one has, what all have, what their teachers have.

    `gain` is NaN where there is one student only, or where one was not tested.

    Args:
        students: Distilled or self-distilled runs.
        teachers: Runs among which the students' teachers are; others do no harm.
        rule: When a feature counts as learned.
        frame: Table of `features` of all these runs, where it is already there; else the logs are read.

    Raises:
        LogError: If a log has no series (class, neuron, feature_class, view), or runs disagree on features or samples.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> logs = example_study()
        >>> unions(logs[1:4], logs)[["variant", "features_learned", "union", "teachers_union"]].round(2).values.tolist()
        [['stopped', 1.0, 1.0, 1.0], ['continued', 0.83, 0.83, 0.58], ['fresh', 0.67, 0.67, 0.58]]
    """
    study, known = usable(students), {log.manifest.run_id: log for log in usable(teachers)}
    kinds: dict[tuple[str, str], list[LogLike]] = {}
    for log in study:
        kinds.setdefault((log.manifest.role, log.manifest.variant), []).append(log)

    rows = [_union(kind, logs, known, rule, frame) for kind, logs in kinds.items()]
    table = pd.DataFrame(rows).assign(rule=str(rule)).reindex(columns=list(TABLES["unions"]))
    table.attrs["rule"] = _RULE.format(rule)
    return table


def gain_over_one(errors: Sequence[Estimate], logs: Sequence[LogLike]) -> Estimate | None:
    """Return by how much the ensemble of some runs errs less than one of them, in mu; None without two tested runs.

    Args:
        errors: Test error in mu of each run, with its interval over samples.
        logs: The runs.

    Raises:
        LogError: If the runs were tested on different samples.

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


def _union(
    kind: tuple[str, str],
    logs: Sequence[LogLike],
    known: Mapping[str, LogLike],
    rule: LearnedRule,
    frame: pd.DataFrame | None,
) -> dict[str, object]:
    names = dict.fromkeys(name for log in logs for name in log.manifest.parents)
    masters = [known[name] for name in names if name in known]
    own = learned_sets([*logs, *masters], learned([*logs, *masters], rule=rule, frame=frame))
    union, lesson = own[: len(logs)].any(axis=0), own[len(logs) :].any(axis=0)
    gain, null = _gain(logs), _gain(masters[: len(logs)])

    return {
        "role": kind[0],
        "variant": kind[1],
        "runs": len(logs),
        "features_learned": own[: len(logs)].mean(),
        "union": union.mean(),
        "teachers_union": lesson.mean(),
        "beyond": int((union & ~lesson).sum()),
        "left": int((lesson & ~union).sum()),
        "gain": gain.value,
        "low": gain.low,
        "high": gain.high,
        "null": null.value,
    }


def _gain(logs: Sequence[LogLike]) -> Estimate:
    table = error_rates(logs)
    table = table[table["measure"] == "test_error_mu"]
    errors = [Estimate(*row) for row in zip(*(table[name] for name in _ESTIMATE), strict=True)]

    return gain_over_one(errors, logs) or Estimate(np.nan, np.nan, np.nan, len(logs))
