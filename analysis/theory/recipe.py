"""What a run of the theory's recipes states: its series of correlations, and the constants of its recipe."""

from contextlib import suppress

import numpy as np

from probes.analysis.study import Study
from probes.analysis.taps.own_class import CORRELATIONS, LAYOUT
from probes.errors import LogError
from probes.log.layout import Series
from probes.log.protocol import LogLike

__all__ = [
    "constant",
    "correlation_series",
    "exponent",
    "is_theory",
    "learner",
    "moments",
    "race_series",
    "single_view_share",
    "sparsity",
]


def is_theory(study: Study) -> bool:
    """Return whether all usable runs are of the theory's recipes, or carry its evaluation, with mu and q.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> is_theory(Study(example_study())), is_theory(Study([]))
        (True, False)
    """
    return bool(study.usable) and all(map(_of_the_theory, study.usable))


def correlation_series(log: LogLike) -> Series:
    """Return the series of feature correlations, ``(class, neuron, feature_class, view)``, whatever its name.

    Raises:
        LogError: no series has this layout, or several have and none is called "correlations".

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> correlation_series(example_study()[0]).name
        'correlations'
    """
    fitting = {name: series for name, series in log.series.items() if _fits(series)}

    if len(fitting) == 1:
        return next(iter(fitting.values()))
    if CORRELATIONS in fitting:
        return fitting[CORRELATIONS]
    found = ", ".join(f"`{name}` {series.dims} {series.shape}" for name, series in log.series.items()) or "none"
    raise LogError(
        f"run `{log.label}`: expected one series ({', '.join(LAYOUT)}) with as many feature classes as "
        f"classes, got {found}; read other series by `log[name]`"
    )


def race_series(log: LogLike) -> Series:
    """Return the series of feature correlations of a run that shows the race: two views, recorded from step 0 on.

    Raises:
        LogError: the series is not there, has not two views, or does not begin at step 0.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> race_series(example_study()[-1]).shape
        (6, 6, 6, 2)
    """
    series, name = correlation_series(log), log.label

    if series.shape[-1] != 2:
        raise LogError(f"run `{name}`: expected two views a class, for which M is defined, got {series.shape[-1]}")
    if log.steps[0] != 0:
        raise LogError(
            f"run `{name}`: expected step 0, the initialisation, as the first recorded step, got {log.steps[0]}; "
            "record it from the start"
        )
    return series


def moments(log: LogLike) -> np.ndarray | None:
    """Return S, ``(class, view)``, of the definition of M, or None where the run was not evaluated.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> moments(example_study()[0]).shape
        (6, 2)
    """
    evaluation = log.evaluation
    if evaluation is None or "class_view_moment" not in evaluation.arrays:
        return None

    return np.asarray(evaluation.arrays["class_view_moment"], dtype=float)


def exponent(log: LogLike) -> int:
    """Return the exponent q of the activation, from the evaluation or else from the recipe.

    Raises:
        LogError: neither states it, or it is below 3: with q = 2 initialisation decides nothing.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> exponent(example_study()[0])
        3
    """
    stored = constant(log, "q", "network")

    if stored is None or stored < 3:
        raise LogError(
            f"run `{log.label}`: expected the activation's exponent `q` >= 3 in the evaluation or under "
            f"`network` in the recipe, got {stored}; without it the moments S cannot be weighed"
        )
    return int(stored)


def single_view_share(log: LogLike) -> float | None:
    """Return mu, the share of single-view data, from the evaluation or else from the recipe; None where unknown.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> single_view_share(example_study()[0])
        0.04
    """
    return constant(log, "mu", "data")


def sparsity(log: LogLike) -> float | None:
    """Return s, the expected number of features of one view in a sample, from evaluation or recipe; None where unknown.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> sparsity(example_study()[0])
        3.0
    """
    return constant(log, "sparsity", "data")


def learner(log: LogLike) -> str:
    """Return what of the network was trained: "patch" (all of it), "tangent" or "random_features", by its recipe.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> learner(example_study()[0])
        'patch'
    """
    return str(log.manifest.recipe.get("network", {}).get("kind", "patch"))


def _of_the_theory(log: LogLike) -> bool:
    if log.manifest.study and {"network", "data"} <= set(log.manifest.recipe):
        return True
    with suppress(LogError):  # an evaluation that cannot be read says nothing of where the run comes from
        return log.evaluation is not None and {"mu", "q"} <= set(log.evaluation.attrs)
    return False


def _fits(series: Series) -> bool:
    return series.dims == LAYOUT and series.shape[0] == series.shape[2]


def constant(log: LogLike, name: str, section: str) -> float | None:
    """Return a number that the evaluation states, or else that section of the recipe; None where neither does.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> constant(example_study()[0], "learning_rate", "training")
        108.0
    """
    evaluation = log.evaluation
    if evaluation is not None and name in evaluation.attrs:
        return float(evaluation.attrs[name])
    value = log.manifest.recipe.get(section, {}).get(name)

    return None if value is None else float(value)
