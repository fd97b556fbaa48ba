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
_KIND = ("role", "variant")
_FEATURE = ("class", "view")
_RANGE = ("low", "high", "n")
_UNIONS = ("features_learned", "union", "teachers_union", "beyond", "left")
_ACCURACIES = ("before", "after", "control")
_STATISTICS = ("strength", "peak", "off_strength", "off_peak", "chance")
_NEURONS = ("kept", "neurons", "carried", "carried_by_first", "null", "outside")
_PHASES = ("race_end", "race_over", "growth_end", "last_step")
_NOISE = ("noise_multi_view", "noise_single_view")

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
    "features": (*_RUN, "step", *_FEATURE, *_STATISTICS),
    "learned": (*_RUN, "step", *_FEATURE, *_STATISTICS, "learned", "stable", "rule"),
    "winners": (*_RUN, "class", "predicted", "winner", "ratio", "learned", "agrees", "losing_share", "rule"),
    "confusion": ("prediction", "predicted", "learned", "count", "share", *_RANGE, "null", "rule"),
    "margins": (
        *_RUN,
        *_FEATURE,
        "winner",
        "q",
        "ratio",
        "start",
        "end",
        "growth",
        "expected",
        "null",
        "learned",
        "rule",
    ),
    "kept_alive": (*_RUN, *_FEATURE, *_NEURONS, "strength", "learned", "rule"),
    "timing": (*_RUN, *_FEATURE, "crossing_after", "crossing", "order", "escape_time", "rule"),
    "escape": (*_RUN, "rank_correlation", "p_value", "pace", *_RANGE, "rule"),
    "phases": (*_RUN, *_PHASES, "new_features", "missing", "low", "high", "null", "rule"),
    "forces": (*_RUN, "step", "term", *_FEATURE, "force", "cumulative"),
    "force_shares": (*_RUN, *_FEATURE, "term", "added", "share", "gained", "residual", "learned", "rule"),
    "memorisation": (*_RUN, "step", "phase", *_NOISE, "strength", "off_strength", "coverage", "train_error", "rule"),
    "coverage": (
        "members",
        "subsets",
        "coverage",
        "coverage_low",
        "coverage_high",
        "expected",
        "lottery",
        "predicted_coverage",
        "predicted_low",
        "predicted_high",
        "error_mu",
        "error_mu_low",
        "error_mu_high",
        "error_predicted_mu",
        "rule",
    ),
    "lottery": (*_FEATURE, "runs", "won", "probability", "low", "high", "lottery", "rule"),
    "uncovered": (*_FEATURE, "members", "run", "strength", "off_strength", "null", "rule"),
    "growth": (
        *_RUN,
        *_FEATURE,
        "own",
        "taught",
        "teachers",
        "teachers_share",
        "learned",
        "first_step",
        "rise",
        "strength",
        "off_peak",
        "rule",
    ),
    "lessons": (*_RUN, "teacher", "lacked", "taken_over", "share", "low", "high", "null", "rule"),
    "unions": (*_KIND, "runs", *_UNIONS, "gain", "low", "high", "null", "rule"),
    "deletion": (*_RUN, *_FEATURE, "learned", "neurons", *_ACCURACIES, "lost", "n", "rule"),
    "deletion_rates": (*_KIND, "learned", "muted", "accuracy", *_RANGE, "features", "rule"),
    "bounds": (*_RUN, "class", "bound", "largest", "null", "allowed", "inside", "rule"),
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
    "neurons": "neurons per class m; in deletion, those credited with the feature",
    "prediction": "in M: with the gap factor, none where the lead is smaller; ungapped: without it",
    "count": "number of classes",
    "share": "of the classes with this prediction (confusion), of what all terms added (force_shares), or of the "
    "features lacked (lessons)",
    "null": "what chance would give; the table's rule says how",
    "q": "exponent of the activation",
    "start": "peak at step 0",
    "end": "peak at the last step",
    "growth": "end / start",
    "kept": "neurons kept alive: correlation at step 0 near the peak",
    "carried": "share of the final strength in the neurons kept alive",
    "carried_by_first": "share of the final strength in the neuron that was strongest at step 0",
    "outside": "largest final correlation of the other neurons, over the final peak",
    "after": "accuracy without the neurons credited with the view",
    "crossing_after": "last step looked at at which the feature did not count as learned",
    "crossing": "step from which on the feature counts as learned for good",
    "order": "place of the crossing in its run, from 1",
    "escape_time": "predicted crossing T0, in steps",
    "rank_correlation": "Spearman's, of crossing and escape_time",
    "p_value": "two-sided, against the null that order and prediction have nothing to do with each other",
    "pace": "median of crossing / escape_time",
    "race_end": "step at which the first class's winner is learned for good: phase I ends",
    "race_over": "step by which every class has a view that is learned for good",
    "growth_end": "step from which on the training loss is at most mu log k: phase II ends",
    "new_features": "features learned for good after growth_end",
    "missing": "features not yet learned at growth_end",
    "phase": "race, growth or memorisation",
    "term": "part of the objective: cross_entropy or distillation",
    "force": "what the term adds to the strength in the coming update",
    "cumulative": "what the term has added to the strength up to this step",
    "added": "what the term added to the strength in all",
    "gained": "strength at the last step less strength at the first",
    "residual": "gained less what all terms added",
    "noise_multi_view": "memorised noise: mean over multi-view training samples",
    "noise_single_view": "memorised noise: mean over single-view training samples",
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
    "chance": "null: 99th percentile of classes' strengths along random directions, beyond what own features give "
    "there; empty where the run recorded none",
    "stable": "whether the feature counts as learned at every step looked at in the last tenth of those recorded",
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
    "expected": "what the theory expects; in coverage 1 - 2^-K (every member learns one of two views of a class, by a "
    "fair coin), in margins (1 - ratio^(q-2))^(-1/(q-2))",
    "error_mu": "test error in mu: single-view error rate + (1 - mu)/mu times multi-view error rate",
    "error_mu_low": "2.5th percentile over the ensembles",
    "error_mu_high": "97.5th percentile over the ensembles",
    "lottery": "chance that the initialisation's lottery gives by S, q and m alone: of a feature, or (coverage) the "
    "coverage that follows",
    "predicted_coverage": "coverage that follows from the share of the runs that learned each feature",
    "predicted_low": "lower end of its 95 % credible interval",
    "predicted_high": "upper end of its 95 % credible interval",
    "error_predicted_mu": "test error in mu that follows from the features that are not covered",
    "won": "number of runs that learned the feature",
    "probability": "chance of the feature to be learned by a run, from the runs",
    "teachers": "those of the student's teachers that learned the feature",
    "teachers_share": "their share of all its teachers",
    "rise": "steps from 10 % to 50 % of the final strength, of a learned feature",
    "lacked": "features that this teacher learned and that are not the student's own",
    "taken_over": "how many of these the student learned",
    "union": "share of all features that at least one of the students learned",
    "teachers_union": "share of all features that at least one of their teachers learned",
    "beyond": "features that a student learned and no teacher",
    "left": "features that a teacher learned and no student",
    "gain": "error in mu of one student, mean, less that of the ensemble of all",
    "before": "accuracy on single-view samples that show this view alone",
    "control": "null: the same without the neurons credited with the class's other view",
    "lost": "before - after",
    "muted": "which neurons of the class were muted: none, those credited with the view, or with the other view",
    "accuracy": "share of the samples that is right",
    "features": "number of features",
    "bound": "which bound of the induction hypothesis",
    "largest": "largest value, over all recorded steps in units of sigma_0; for balance a ratio at the last step",
    "allowed": "the bound, in the same unit",
    "inside": "whether largest <= allowed",
    "own": "whether the student would have learned the feature without a teacher",
    "taught": "whether at least one teacher learned the feature",
    "runs": "number of runs",
    "train_error": "share of the training set that is wrong, mean over runs",
    "single_view_error": "share of single-view test samples that is wrong, mean over runs",
    "multi_view_error": "share of multi-view test samples that is wrong, mean over runs",
    "test_error_mu": "test error in mu, mean over runs",
    "features_learned": "share of all features that were learned, mean over runs",
    "measure": "which error: train_error, single_view_error, multi_view_error, test_error_mu or test_error",
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
