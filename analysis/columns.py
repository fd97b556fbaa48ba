"""The vocabulary of every table: what each column means, in which unit, and which columns each table has.

Classes, views and neurons count from 0, as in the logs. Errors "in mu" are divided by the share mu of single-view data.
"""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = [
    "CORRELATIONS",
    "LAYOUT",
    "MEANINGS",
    "ROLES",
    "TABLES",
    "VARIANTS",
    "columns_of",
    "variant_order",
]

CORRELATIONS = "correlations"
LAYOUT = ("class", "neuron", "feature_class", "view")

# Roles in the theory study and the ensemble of its singles, in the order in which they are shown.
ROLES = ("single", "average", "ensemble", "distilled", "self_distilled")

# The order of variants where a run's recipe states none; a variant that is not named here comes after those that are.
VARIANTS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "distilled": ("stopped", "literal"),
    "self_distilled": ("continued", "fresh"),
})

_RUN = ("run", "role", "variant")
_FEATURE = ("class", "view")
_RANGE = ("low", "high", "n")

TABLES: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "runs": (
        *_RUN,
        "status",
        "first_step",
        "last_step",
        "classes",
        "neurons",
        "views",
        "parents",
        "continues",
        "faults",
    ),
    "features": (*_RUN, "step", *_FEATURE, "strength", "peak", "off_strength", "off_peak"),
    "learned": (*_RUN, "step", *_FEATURE, "strength", "peak", "off_strength", "off_peak", "learned", "rule"),
    "winners": (*_RUN, "class", "predicted", "winner", "ratio", "learned", "agrees", "losing_share", "rule"),
    "coverage": (
        "members",
        "subsets",
        "coverage",
        "coverage_low",
        "coverage_high",
        "expected",
        "error_mu",
        "error_mu_low",
        "error_mu_high",
        "rule",
    ),
    "growth": (
        *_RUN,
        *_FEATURE,
        "own",
        "taught",
        "learned",
        "first_step",
        "strength",
        "off_peak",
        "rule",
    ),
    "error_rates": (*_RUN, "measure", "error", *_RANGE),
    "summary": (
        "role",
        "variant",
        "runs",
        "last_step",
        "train_error",
        "single_view_error",
        "multi_view_error",
        "test_error_mu",
        "features_learned",
    ),
    "pairs": (*_RUN, "own_run", "teacher", "uncovered", "error_mu", "excess", "low", "high", "within"),
    "claims": (
        "claim",
        "source",
        "expected_low",
        "expected_high",
        "measured",
        *_RANGE,
        "holds",
        "variant",
        "note",
    ),
})

MEANINGS: Mapping[str, str] = MappingProxyType({
    "run": "the run's id, the name of its directory",
    "role": "single, average, distilled or self_distilled in the theory study; free elsewhere",
    "variant": "form of the update or of the pair, where a role has several",
    "status": "recording, finished, diverged, interrupted or failed",
    "first_step": "first step recorded (runs), or first step at which the feature counts as learned (growth)",
    "last_step": "last step recorded",
    "classes": "number of classes k",
    "neurons": "neurons per class m",
    "views": "views per class",
    "faults": "what of the log is missing or damaged",
    "parents": "the teachers' run ids",
    "continues": "run whose final weights this run started from",
    "step": "number of completed optimizer updates; 0 is the initialisation",
    "class": "output class i, from 0",
    "view": "view l of the class, from 0",
    "strength": "sum over neurons r of [<w_{i,r}, v_{i,l}>]^+",
    "peak": "maximum over neurons r of [<w_{i,r}, v_{i,l}>]^+",
    "off_strength": "null: largest strength of class i's neurons on view l of any other class",
    "off_peak": "null: largest correlation of class i's neurons with view l of any other class",
    "predicted": "view whose adjusted peak at initialisation is the larger one (no gap factor)",
    "winner": "whether (class, predicted) is in M, that is, whether its lead also exceeds the gap factor",
    "ratio": "losing over winning adjusted peak at initialisation, in [0, 1]",
    "learned": "whether the feature was learned; in winners: `view 0`, `view 1`, `both` or `none`",
    "agrees": "whether exactly the predicted view was learned",
    "losing_share": "largest correlation with the losing view over that with the winning view, at the last step",
    "members": "number K of ensemble members",
    "subsets": "number of different ensembles of K members that were measured",
    "coverage": "share of all features that at least one member learned, mean over the ensembles",
    "coverage_low": "2.5th percentile over the ensembles",
    "coverage_high": "97.5th percentile over the ensembles",
    "expected": "1 - 2^-K: every member learns one of two views of a class, by a fair coin",
    "error_mu": "test error in mu: single-view error rate + (1 - mu)/mu times multi-view error rate",
    "error_mu_low": "2.5th percentile over the ensembles",
    "error_mu_high": "97.5th percentile over the ensembles",
    "own": "whether the student would have learned the feature without a teacher",
    "taught": "whether at least one teacher learned the feature",
    "runs": "number of runs",
    "train_error": "share of the training set that is wrong, mean over runs",
    "single_view_error": "share of single-view test samples that is wrong, mean over runs",
    "multi_view_error": "share of multi-view test samples that is wrong, mean over runs",
    "test_error_mu": "test error in mu, mean over runs",
    "features_learned": "share of all features that were learned, mean over runs",
    "measure": "which error: train_error, single_view_error, multi_view_error or test_error_mu",
    "error": "share of samples where another class's output is at least the own class's, or, in mu, their sum",
    "low": "lower end of the 95 % interval",
    "high": "upper end of the 95 % interval",
    "n": "number of samples, runs, classes or features the figure rests on; the note says which",
    "own_run": "the run that won the student's own features: the continued run, or the student itself",
    "teacher": "the run that was matched",
    "uncovered": "share of all features that neither of the two learned, the error in mu the theory leaves",
    "excess": "error_mu - uncovered",
    "within": "whether the excess's 95 % interval contains 0",
    "claim": "id of the claim",
    "source": "where in the paper the claim stands",
    "expected_low": "smallest value at which the claim counts as shown",
    "expected_high": "largest value at which the claim counts as shown",
    "measured": "the measured value: an error or gain in mu, or a share in [0, 1]",
    "holds": "whether the measured value is as expected",
    "note": "what the figure rests on",
    "rule": "the rule by which a feature counts as learned",
})


def columns_of(table: str) -> Mapping[str, str]:
    """Return the columns of a table in order, each with its meaning.

    Example:
        >>> list(columns_of("error_rates"))
        ['run', 'role', 'variant', 'measure', 'error', 'low', 'high', 'n']
    """
    return {name: MEANINGS[name] for name in TABLES[table]}


def variant_order(role: str, variant: str) -> tuple[int, str]:
    """Return the key that sorts a role's variants where no recipe states their order; unnamed ones come last.

    Example:
        >>> sorted(["fresh", "other", "continued"], key=lambda variant: variant_order("self_distilled", variant))
        ['continued', 'fresh', 'other']
    """
    known = VARIANTS.get(role, ())

    return (known.index(variant) if variant in known else len(known), variant)
