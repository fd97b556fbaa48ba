"""What distillation added: the features a student would not have learned by itself, and when it learned them."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from probes.analysis.findings.features import every_step
from probes.analysis.intervals import rate
from probes.analysis.panel import Panel
from probes.analysis.study import Study, finding
from probes.analysis.theory.findings.missing_features import draw_beside, missing_features
from probes.analysis.theory.measurement import Measurement
from probes.analysis.theory.recipe import correlation_series
from probes.analysis.theory.roles import by_kind, ensemble_members, race_learned, singles, with_role
from probes.analysis.theory.teaching import own_features, taught_by
from probes.log.protocol import LogLike

__all__ = ["CLAIMS", "COLUMNS", "growth", "panel"]

COLUMNS = {
    "own": "whether the student would have learned the feature without a teacher",
    "taught": "whether at least one teacher learned the feature",
    "teachers": "those of the student's teachers that learned the feature",
    "teachers_share": "their share of all its teachers",
    "learned": "whether the student learned the feature",
    "first_step": "first step at which the feature counts as learned",
    "rise": "steps from 10 % to 50 % of the final strength, of a learned feature",
    "strength": "sum over neurons r of [<w_{i,r}, v_{i,l}>]^+, at the last step",
    "off_peak": "null: largest correlation of class i's neurons with view l of any other class, at the last step",
}

_TABLE = ("run", "role", "variant", "class", "view", *COLUMNS, "rule")
_RULE = (
    "{}; own: what the initialisation predicts without gap factor, or, where the run continues another one, what was "
    "learned at its step 0; taught: learned by at least one teacher at its last step; rise: steps from 10 % to 50 % of "
    "the final strength; null: off_peak"
)


@finding
def growth(study: Study) -> pd.DataFrame:
    """Return one row per (student, class, view): whose feature it is, whether and when the student learned it.

    A feature is missing when it is not `own`; a missing feature that was `taught` is what distillation can add.
    `teachers` names those of its teachers that have the feature, and `teachers_share` is their share of all its
    teachers. `first_step` is the first step at which the rule holds; `rise`, the steps in which a learned feature grew
    from 10 % to 50 % of its final strength, is how fast it went; `strength` and `off_peak` (the largest correlation
    of the class's neurons with the same view of another class) are those of the last step.

    Args:
        study: A study of the theory, logs, or a path; its students are read step by step, one at a time.

    Raises:
        LogError: a student's teachers are not in the study, or a log is not as `own_features` expects.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = growth(example_study())
        >>> missing = table[~table["own"] & (table["role"] == "distilled")]
        >>> missing[["taught", "learned"]].mean().to_dict()
        {'taught': 1.0, 'learned': 1.0}
    """
    tables = [_student(study, log) for log in study.students]

    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    table = table.reindex(columns=list(_TABLE))
    table.attrs["rule"] = _RULE.format(study.rule)
    return table


def panel(study: Study) -> Panel | None:
    """Return the panel of the features that runs miss, without a teacher and with one."""
    kinds = by_kind(study, "distilled", "self_distilled")
    if not kinds:
        return None
    alone = {"no teacher": ensemble_members(study)} if singles(study) else {}

    missing = missing_features(study)
    tables = {name: missing[missing["run"].isin([log.label for log in logs])] for name, logs in (alone | kinds).items()}
    table = growth(study)
    asked = table[~table["own"].astype(bool) & table["taught"].astype(bool)]
    caption = (
        "Features that a run's own initialisation does not win (where a run continues another one: those not learned "
        "at its step 0). Thin: one feature of one run; bold: their median; grey: the largest strength of the same "
        f"neurons on a feature of another class. Of {len(asked)} missing features that a teacher had learned, "
        f"{asked['learned'].sum()} were learned."
    )
    drawn = pd.concat(tables.values(), ignore_index=True)
    drawn = drawn[["run", "step", "class", "view", "taught", "strength", "off_strength"]]
    return Panel("growth", "What distillation added", caption, drawn, draw_beside(tables))


def _student(study: Study, student: LogLike) -> pd.DataFrame:
    known, taught = race_learned(study), taught_by(study, student)
    last = known[known["run"] == student.label].astype({"run": object, "role": object, "variant": object})
    first, rise = _first_steps(study, student, last)
    table = last.set_index(["class", "view"])

    return table.assign(
        own=own_features(study, student).ravel(),
        taught=taught.any(axis=1).to_numpy(dtype=bool),
        teachers=[" ".join(taught.columns[having]) for having in taught.to_numpy()],
        teachers_share=taught.mean(axis=1).to_numpy(),
        first_step=pd.Series(first, table.index).astype("Int64"),
        rise=pd.Series(rise, table.index).where(table["learned"]).astype("Int64"),
    ).reset_index()


def _first_steps(study: Study, student: LogLike, last: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each feature's first step as learned, and in how many steps it grew from 10 % to 50 % of its strength."""
    final = last["strength"].to_numpy()
    first, tenth, half = np.full((3, len(last)), np.nan)
    for piece in every_step(study, student, correlation_series(student).name):
        # The rule needs the run's last step, wherever the piece lies.
        whole = pd.concat([piece, last[piece.columns]])
        holding = study.rule(whole)["learned"].to_numpy(dtype=bool)[: len(piece)]
        steps, strength = piece["step"].to_numpy(), piece["strength"].to_numpy()
        for found, holds in (
            (first, holding.reshape(-1, len(last))),
            (tenth, strength.reshape(-1, len(last)) >= 0.1 * final),
            (half, strength.reshape(-1, len(last)) >= 0.5 * final),
        ):
            reached = np.where(holds.any(axis=0), steps[:: len(last)][holds.argmax(axis=0)], np.nan)
            np.fmin(found, reached, out=found)

    return first, half - tenth


def _features_learned(study: Study) -> Iterator[Measurement]:
    for variant, logs in with_role(study, "distilled").items():
        table = race_learned(study)
        table = table[table["run"].isin([log.label for log in logs])]
        note = (
            f"n: features of {len(logs)} runs together; interval: Wilson; largest off-class correlation "
            f"{table['off_peak'].max():.3g}, largest strength {table['strength'].max():.3g}"
        )
        yield Measurement(rate(int(table["learned"].sum()), len(table)), note, variant)


CLAIMS: Mapping[str, Callable[[Study], Iterator[Measurement]]] = {"distilled.features_learned": _features_learned}
