"""The roles of the theory's studies: singles, their trained average, students of the ensemble and of one another."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pandas as pd

from probes.analysis.findings.features import features
from probes.analysis.intervals import Estimate
from probes.analysis.study import Study
from probes.analysis.theory.findings.error_rates import error_rates
from probes.analysis.theory.recipe import learner
from probes.errors import LogError
from probes.logs.protocol import LogLike

__all__ = [
    "ROLES",
    "VARIANTS",
    "by_kind",
    "ensemble_members",
    "errors_of",
    "kind_name",
    "learners",
    "of_singles",
    "race_features",
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

_ESTIMATE = ("error", "low", "high", "n")
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
    """Return the table of `features` of a study whose networks learn features.

    Raises:
        LogError: no feature is learned, because a learner is linear in what it trains.
    """
    if not races(study):
        raise LogError(
            f"expected networks that learn features, got `network.kind` {', '.join(learners(study))}: the features "
            "of a linear learner stay as initialisation drew them, so that errors are all there is to compare"
        )
    return features(study)


def errors_of(study: Study, logs: Sequence[LogLike], measure: str = "test_error_mu") -> Sequence[Estimate]:
    """Return one estimate for each of the runs that were evaluated."""
    table = error_rates(study)
    chosen = table[table["run"].isin([log.label for log in logs]) & (table["measure"] == measure)]

    return [Estimate(*row) for row in zip(*(chosen[name] for name in _ESTIMATE), strict=True)]
