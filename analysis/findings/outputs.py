"""How wrong every run is on the evaluation sets whose outputs were stored with it, whole and by group."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy import special

from probes.analysis.intervals import Estimate, mean_of, rate
from probes.analysis.margins import margins
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import GOOD, VIEWS, WIDTH, canvas, key
from probes.analysis.plots.marks import dot, intervals, rows_named
from probes.analysis.sample_sets import ALL, SampleSet, plain_sets, sample_sets
from probes.analysis.study import Study, finding
from probes.errors import LogError
from probes.log.protocol import LogLike

__all__ = [
    "COLUMNS",
    "cross_entropies",
    "draw",
    "last_of_all",
    "outputs",
    "panel",
    "wrong",
]

COLUMNS = {
    "set": "name of the evaluation set",
    "step": "step at which the outputs were stored",
    "group": "group of samples; `all` of them",
    "error": "share of samples where another class's output is at least the own class's",
    "low": "lower end of its 95 % interval over samples (Wilson)",
    "high": "upper end of the same",
    "n": "number of samples",
    "cross_entropy": "mean of -log of the own class's probability, in nats",
}

_SETS, _RUNS = 3, 40  # that a figure shows


@finding
def outputs(study: Study) -> pd.DataFrame:
    """Return one row per (run, evaluation set, step, group): its error with interval, and its cross-entropy.

    A tie is wrong, and so is a sample with a logit that is no number. Sets that no run has labels of have no row.

    Args:
        study: A study, logs, or a path.

    Raises:
        LogError: no run has stored outputs, or runs have stored those of different samples under one name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = outputs(example_study()[-1])
        >>> table.loc[table["set"] == "single_view", ["group", "error", "n"]].values.tolist()
        [['all', 0.4975, 400]]
    """
    sets = [one for one in sample_sets(study).values() if one.labels is not None]
    rows = [row for log in study.usable for one in sets if log.label in one.logits for row in _of_run(log, one)]
    if not rows:
        raise LogError(
            "expected outputs with labels stored with the runs, got none; record them by `recorder.outputs(name, "
            "logits, labels=...)`, or afterwards by `probes outputs RUN --from FILE.npz`"
        )

    return pd.DataFrame(rows, columns=["run", "role", "variant", *COLUMNS])


def wrong(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return which samples are wrong, ``(sample,)``: another class's logit is at least the own class's.

    Args:
        logits: ``(sample, class)``.
        labels: ``(sample,)``, integers.

    Example:
        >>> wrong(np.array([[2.0, 1.0], [1.0, 1.0], [0.0, 1.0]]), np.array([0, 0, 1])).tolist()
        [False, True, False]
    """
    return np.asarray(~(margins(logits, labels) > 0))


def cross_entropies(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return -log of the probability of every sample's own class, ``(sample,)``, in nats.

    Example:
        >>> cross_entropies(np.zeros((1, 4)), np.array([2])).round(4).tolist()
        [1.3863]
    """
    exact = np.asarray(logits, dtype=np.float64)
    with np.errstate(invalid="ignore"):  # of infinite ones it is no number
        found = special.logsumexp(exact, axis=1) - exact[np.arange(len(labels)), labels]

    return np.asarray(found)


def _of_run(log: LogLike, one: SampleSet) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of one run and one set with labels, step by step and group by group."""
    labels = np.asarray(one.labels)
    who = (log.label, log.manifest.role, log.manifest.variant)
    for step in log.output_sets[one.name]:
        logits = one.at(log, step)
        mistakes, losses = wrong(logits, labels), cross_entropies(logits, labels)
        for group, chosen in one.parts:
            error = rate(int(mistakes[chosen].sum()), int(chosen.sum()))
            yield (*who, one.name, int(step), group, *error, float(losses[chosen].mean()))


def last_of_all(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a table of `outputs` for all samples of each set, at the last step of each run that has some.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> last_of_all(outputs(example_study()[-1]))["group"].unique().tolist()
        ['all']
    """
    last = table.groupby(["run", "set"])["step"].transform("max")

    return table[(table["step"] == last) & (table["group"] == ALL)]


def panel(study: Study) -> Panel:
    """Return the panel of how wrong each run is at its last stored outputs, and the ensemble of the members."""
    table = outputs(study)
    plain = plain_sets(study)
    last = last_of_all(table)
    last = last[last["set"].isin(plain)] if len(plain) else last
    names = last["set"].drop_duplicates().tolist()[:_SETS]
    runs = last["run"].drop_duplicates().tolist()[:_RUNS]

    figure, axes = canvas(WIDTH, 1 + 0.2 * len(runs), columns=len(names), sharey=True)
    for ax, name in zip(axes, names, strict=True):
        draw(
            last[(last["set"] == name) & last["run"].isin(runs)], ax, {log.label for log in study.students}, title=name
        )
        ax.label_outer()
    marks = [(dot(VIEWS[0], size=6), "runs without teachers"), (dot(GOOD, size=6), "students")]
    key(figure, marks if study.students else marks[:1])
    caption = (
        "Share of samples that each run has wrong, from its last stored outputs; a tie is wrong. Bars: 95 % over "
        f"samples (Wilson). {' '.join(_means(study, last[last['set'] == name], name) for name in names)}"
        f"{''.join(plain[name].stated for name in names if name in plain)}"
    )
    return Panel("outputs", "How wrong each run is", caption, table, figure)


def draw(table: pd.DataFrame, ax: Axes, students: set[str], *, title: str = "") -> Axes:
    """Return the axes with a row for each run: its error with its interval.

    Args:
        table: Rows of `outputs` of one set, one for each run.
        ax: Where to draw.
        students: Labels of the runs with teachers.
        title: What to write above.
    """
    for row, entry in enumerate(table.itertuples()):
        colour = GOOD if entry.run in students else VIEWS[0]
        intervals(ax, table.iloc[[row]], [row], value="error", colour=colour, size=4.5)
    rows_named(ax, table["run"].tolist(), fontsize=7)
    ax.set(xlabel="error")
    ax.set_xlim(left=0)
    ax.set_title(title, fontsize=8.5, pad=3)
    return ax


def _means(study: Study, table: pd.DataFrame, name: str) -> str:
    """Say of one set what members and each kind of student have wrong, as means over runs."""
    kinds = {log.label: "runs without teachers" for log in study.members}
    kinds |= {log.label: log.manifest.role or "students" for log in study.students}
    found = []
    for kind, rows in table.groupby(table["run"].astype(object).map(kinds), sort=False):
        columns = (rows[column] for column in ("error", "low", "high", "n"))
        mean = mean_of([Estimate(*row) for row in zip(*columns, strict=True)])
        found.append(f"{kind} {mean.value:.4g} ({max(0, mean.low):.4g} to {mean.high:.4g}, {mean.n} runs)")

    return f"{name}: {'; '.join(found)}." if found else ""
