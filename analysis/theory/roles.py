"""The roles of the theory's studies: singles, their trained average, students of the ensemble and of one another."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from probes.analysis.findings.features import features
from probes.analysis.findings.learned import learned, learned_sets
from probes.analysis.study import Study
from probes.analysis.taps.tap import Tap
from probes.analysis.theory.recipe import correlation_series, learner
from probes.errors import LogError
from probes.log.protocol import LogLike

__all__ = [
    "ROLES",
    "VARIANTS",
    "WHO",
    "by_kind",
    "ensemble_members",
    "kind_name",
    "learners",
    "of_singles",
    "race_features",
    "race_learned",
    "race_sets",
    "races",
    "role_order",
    "singles",
    "students",
    "variant_order",
    "with_role",
]

# Roles in the theory study and the ensemble of its singles, in the order in which they are shown.
ROLES = ("single", "average", "ensemble", "distilled", "self_distilled")

# The order of variants where a run's recipe states none; a variant that is not named here comes after those that are.
VARIANTS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "distilled": ("stopped", "literal"),
    "self_distilled": ("continued", "fresh"),
})

# The columns that name the run of a row.
WHO = ("run", "role", "variant")
_FEATURE, _STATISTICS = ("class", "view"), ("strength", "peak", "neuron", "off_strength", "off_peak", "null")
_LEARNED = ("learned", "stable", "rule")

# Learners that are linear in what they train: their features are those of the initialisation, and none wins a race.
_LINEAR = frozenset({"tangent", "random_features"})


def variant_order(role: str, variant: str) -> tuple[int, str]:
    """Return the key that sorts a role's variants where no recipe states their order; unnamed ones come last.

    Example:
        >>> sorted(["fresh", "other", "continued"], key=lambda variant: variant_order("self_distilled", variant))
        ['continued', 'fresh', 'other']
    """
    known = VARIANTS.get(role, ())

    return (known.index(variant) if variant in known else len(known), variant)


def role_order(role: str, variant: str) -> tuple[int, int, str]:
    """Return the key that sorts roles as the theory does, and the variants of one role by `variant_order`.

    Example:
        >>> sorted([("self_distilled", "fresh"), ("single", ""), ("other", "")], key=lambda kind: role_order(*kind))[0]
        ('single', '')
    """
    return (ROLES.index(role) if role in ROLES else len(ROLES), *variant_order(role, variant))


def kind_name(role: str, variant: str, *, gap: str = " ") -> str:
    """Return what runs of a role and variant are called.

    Example:
        >>> kind_name("distilled", "stopped"), kind_name("single", "")
        ('distilled (stopped)', 'single')
    """
    return f"{role}{gap}({variant})" if variant else role


def with_role(study: Study, role: str) -> Mapping[str, Sequence[LogLike]]:
    """Return the role's runs by variant, the one a recipe stands by first.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> list(with_role(Study(example_study()), "self_distilled"))
        ['continued', 'fresh']
    """
    logs = [log for log in study.usable if log.manifest.role == role]
    stated = [update for log in logs[:1] for update in log.manifest.recipe.get("runs", {}).get("updates", [])]

    def order(variant: str) -> tuple[int, int, str]:
        return (stated.index(variant) if variant in stated else len(stated), *variant_order(role, variant))

    variants = sorted({log.manifest.variant for log in logs}, key=order)
    return {variant: [log for log in logs if log.manifest.variant == variant] for variant in variants}


def by_kind(study: Study, *roles: str) -> dict[str, Sequence[LogLike]]:
    """Return the runs of these roles by the name of their kind, the variants of each role in the order of `with_role`.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> list(by_kind(Study(example_study()), "distilled", "self_distilled"))
        ['distilled (stopped)', 'self_distilled (continued)', 'self_distilled (fresh)']
    """
    return {kind_name(role, variant): logs for role in roles for variant, logs in with_role(study, role).items()}


def singles(study: Study) -> Sequence[LogLike]:
    """Return the runs of role "single"; none where a study has none."""
    return [log for logs in with_role(study, "single").values() for log in logs]


def ensemble_members(study: Study) -> Sequence[LogLike]:
    """Return the runs an ensemble is made of: the singles, or every usable run where none has that role."""
    return singles(study) or study.usable


def students(study: Study) -> Sequence[LogLike]:
    """Return the distilled and self-distilled runs, in the order of the study."""
    return [log for log in study.usable if log.manifest.role in {"distilled", "self_distilled"}]


def of_singles(study: Study, table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of single networks, or all where the study has none."""
    return table[table["role"] == "single"] if singles(study) else table


def learners(study: Study) -> Sequence[str]:
    """Return what of their networks the runs train, each learner once."""
    return sorted({learner(log) for log in study.usable})


def races(study: Study) -> bool:
    """Return whether views race to be learned: not where a learner is linear in what it trains."""
    return _LINEAR.isdisjoint(learners(study))


def race_features(study: Study) -> pd.DataFrame:
    """Return the table of `features` of a study whose networks learn features; empty where it has no usable run.

    Raises:
        LogError: a run has no series (class, neuron, feature_class, view), or no feature is learned, because a learner
            is linear in what it trains.

    Example:
        >>> race_features(Study([])).empty
        True
    """
    tap = _race_tap(study)

    return features(study, tap.name) if tap else pd.DataFrame(columns=[*WHO, "step", *_FEATURE, *_STATISTICS])


def race_learned(study: Study) -> pd.DataFrame:
    """Return the table of `learned` of a study whose networks learn features; empty where it has no usable run.

    Raises:
        LogError: as `race_features`.

    Example:
        >>> race_learned(Study([])).columns[-3:].tolist()
        ['learned', 'stable', 'rule']
    """
    tap = _race_tap(study)

    return learned(study, tap.name) if tap else race_features(study).reindex(columns=[*race_features(study), *_LEARNED])


def race_sets(study: Study, logs: Sequence[LogLike]) -> NDArray[np.bool_]:
    """Return which of the runs learned which feature, ``(run, class, view)``.

    Raises:
        LogError: as `race_features`, or the runs disagree on features.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> study = Study(example_study())
        >>> race_sets(study, singles(study)).shape
        (5, 6, 2)
    """
    tap = _race_tap(study)

    return learned_sets(study, tap, logs) if tap else np.ones((0, 1, 1), dtype=bool)


def _race_tap(study: Study) -> Tap | None:
    """Return the tap in which views race to be learned; None where there is no usable run."""
    if not races(study):
        raise LogError(
            f"expected networks that learn features, got `network.kind` {', '.join(learners(study))}: the features "
            "of a linear learner stay as initialisation drew them, so that errors are all there is to compare"
        )
    names = [correlation_series(log).name for log in study.usable]

    return study.tap(names[0]) if names else None
