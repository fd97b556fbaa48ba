"""How wrong each network is, from stored logits: by part of the data, and in units of mu."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from probes.analysis.findings.outputs import wrong
from probes.analysis.intervals import Estimate, difference, mean_of, rate
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import INK, VIEWS, WIDTH, canvas
from probes.analysis.plots.marks import rows_named
from probes.analysis.study import Study, finding
from probes.analysis.theory.ensembles import ensemble_error
from probes.analysis.theory.laws import samples, student, wilson
from probes.analysis.theory.logits import in_mu
from probes.analysis.theory.measurement import Measurement
from probes.analysis.theory.recipe import single_view_share
from probes.analysis.theory.roles import kind_name, role_order, singles, with_role
from probes.log.protocol import LogLike

__all__ = ["CLAIMS", "COLUMNS", "draw", "error_rates", "errors_of", "panel"]

COLUMNS = {
    "measure": "which error: train_error, single_view_error, multi_view_error or test_error_mu",
    "error": "share of samples where another class's output is at least the own class's, or, in mu, their sum",
    "low": "lower end of the 95 % interval",
    "high": "upper end of the 95 % interval",
    "n": "number of samples",
}

_MEASURES = {
    "training": "train_error",
    "single_view": "single_view_error",
    "multi_view": "multi_view_error",
}
_ESTIMATE = ["error", "low", "high", "n"]


@finding
def error_rates(study: Study) -> pd.DataFrame:
    """Return one row per (run, measure): error and its 95 % interval over samples.

    Measures are train_error, single_view_error, multi_view_error (Wilson's interval) and test_error_mu.
    What a run's evaluation does not hold gives no row.

    Args:
        study: A study of the theory, logs, or a path.

    Raises:
        LogError: two runs have the same name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> error_rates(example_study()[-1])["measure"].tolist()
        ['train_error', 'single_view_error', 'multi_view_error', 'test_error_mu']
    """
    rows = [
        (log.label, log.manifest.role, log.manifest.variant, measure, *estimate)
        for log in study.usable
        for measure, estimate in _measured(log).items()
    ]

    return pd.DataFrame(rows, columns=["run", "role", "variant", *COLUMNS])


def errors_of(study: Study, logs: Sequence[LogLike], measure: str = "test_error_mu") -> Sequence[Estimate]:
    """Return one estimate for each of the runs that were evaluated.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> study = Study(example_study())
        >>> len(errors_of(study, singles(study)))
        5
    """
    table = error_rates(study)
    chosen = table[table["run"].isin([log.label for log in logs]) & (table["measure"] == measure)]

    return [Estimate(*row) for row in chosen[_ESTIMATE].itertuples(index=False, name=None)]


def panel(study: Study) -> Panel | None:
    """Return the panel of every run's test error in units of mu, with that of the ensemble of all singles."""
    table = error_rates(study)
    table = table[table["measure"] == "test_error_mu"]
    if not len(table):
        return None

    joint = ensemble_error(singles(study))
    ensemble = {"role": "ensemble", "variant": "", "measure": "test_error_mu", "error": [joint.value] if joint else []}
    shown = pd.concat([table, pd.DataFrame({"run": "ensemble of all singles", **ensemble})], ignore_index=True)
    figure, axes = canvas(WIDTH, 0.8 + 0.33 * len(shown.groupby(["role", "variant"])))
    draw(shown, axes[0])
    caption = (
        "Test error in units of μ: error on single-view samples + (1 - μ)/μ times error on multi-view samples; a tie "
        "is wrong. One dot a run, a bar at the mean; the ensemble is the mean of the logits of all singles."
    )
    return Panel("error_rates", "How wrong each network is", caption, shown, figure)


def draw(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one row a role (and variant) and one dot a run: test error in units of mu.

    Args:
        frame: Table of `error_rates`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> draw(error_rates(example_study()), canvas(6, 3)[1][0]).get_yticklabels()[0].get_text()
        'single'
    """
    tests = frame[frame["measure"] == "test_error_mu"]
    kinds = sorted(set(zip(tests["role"], tests["variant"], strict=True)), key=lambda kind: role_order(*kind))

    for row, (role, variant) in enumerate(kinds):
        errors = tests.loc[(tests["role"] == role) & (tests["variant"] == variant), "error"]
        ax.plot(errors, [row] * len(errors), "o", color=VIEWS[0], alpha=0.5, markersize=5, markeredgewidth=0)
        ax.plot(errors.mean(), row, "|", color=INK, markersize=14, markeredgewidth=1.6)

    rows_named(ax, [kind_name(*kind) for kind in kinds])
    ax.set_xlabel("test error (units of μ)")
    ax.set_xlim(left=-0.01)
    return ax


def _measured(log: LogLike) -> dict[str, Estimate]:
    """Return what the run's evaluation states, by measure."""
    mu, stored = single_view_share(log), [log.outputs(part) for part in _MEASURES if part in log.output_sets]
    found = {_MEASURES[one.name]: _rate(one.logits, one.labels) for one in stored if one.labels is not None}

    if mu and {"single_view_error", "multi_view_error"} <= found.keys():
        found["test_error_mu"] = in_mu(found["single_view_error"], found["multi_view_error"], mu)
    return found


def _rate(logits: np.ndarray, labels: np.ndarray) -> Estimate:
    mistakes = wrong(logits, labels)

    return rate(int(mistakes.sum()), mistakes.size)


def _train_error(study: Study) -> Iterator[Measurement]:
    errors = errors_of(study, singles(study), "train_error")
    if errors:
        mistakes = sum(round(error.value * error.n) for error in errors)
        pooled = rate(mistakes, sum(error.n for error in errors))
        note = f"n: training samples of {len(errors)} runs together; interval: Wilson"
        yield Measurement(pooled, note, law=wilson)


def _single_error(study: Study) -> Iterator[Measurement]:
    errors = errors_of(study, singles(study))
    if errors:
        yield _mean_error(errors)


def _ensemble_error(study: Study) -> Iterator[Measurement]:
    members = singles(study)
    error = ensemble_error(members) if len(members) > 1 else None
    if error:
        note = f"ensemble of {len(members)} runs; n: test samples of the smaller part; interval: Wilson's of both parts"
        yield Measurement(error, note, law=samples)


def _student_error(role: str) -> Callable[[Study], Iterator[Measurement]]:
    def measured(study: Study) -> Iterator[Measurement]:
        for variant, logs in with_role(study, role).items():
            errors = errors_of(study, logs)
            if errors:
                yield _mean_error(errors, variant)

    return measured


def _gain_of_average(study: Study) -> Iterator[Measurement]:
    alone = [error.value for error in errors_of(study, singles(study))]
    averaged = [log for logs in with_role(study, "average").values() for log in logs]
    averages = [error.value for error in errors_of(study, averaged)]
    if averages and len(alone) > 1:
        note = f"mean error of {len(alone)} singles less that of {len(averages)} averages; n: runs; interval: t"
        yield Measurement(difference(alone, averages), note, law=partial(student, lost=2))


def _mean_error(errors: Sequence[Estimate], variant: str = "") -> Measurement:
    """Return the mean over runs; an error is never below 0, its t interval might be."""
    mean, values = mean_of(errors), [error.value for error in errors]
    differ = np.ptp(values) > 0
    source = "t over runs" if differ else "of one run's test samples"
    note = f"mean over runs; n: runs; interval: {source}"

    return Measurement(mean._replace(low=max(mean.low, 0.0)), note, variant, student if differ else None, values)


CLAIMS: Mapping[str, Callable[[Study], Iterator[Measurement]]] = {
    "single.train_error": _train_error,
    "single.test_error_mu": _single_error,
    "ensemble.test_error_mu": _ensemble_error,
    "distilled.test_error_mu": _student_error("distilled"),
    "self_distilled.test_error_mu": _student_error("self_distilled"),
    "average.gain_mu": _gain_of_average,
}
