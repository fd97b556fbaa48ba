"""How wrong every run is on the evaluation sets whose outputs were stored with it, whole and by group."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy import special

from probes.analysis.intervals import Estimate, mean_of, rate
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import GOOD, VIEWS, WIDTH, canvas, key
from probes.analysis.plots.marks import dot, intervals, rows_named
from probes.analysis.study import Study, finding
from probes.errors import LogError
from probes.log.outputs import Outputs
from probes.log.protocol import LogLike

__all__ = [
    "ALL",
    "COLUMNS",
    "SampleSet",
    "cross_entropies",
    "draw",
    "last_of_all",
    "outputs",
    "panel",
    "sample_sets",
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

ALL = "all"  # the group of all samples
_SETS, _RUNS = 3, 40  # that a figure shows


@dataclass(frozen=True, eq=False)
class SampleSet:
    """One evaluation set with the last stored outputs of every run that has some; all on the same samples.

    Attributes:
        name: What the set is called.
        labels: ``(sample,)``, from whichever run has stored them; None where none has.
        groups: The group of each sample, as text; likewise.
        logits: By run, ``(sample, class)``.
    """

    name: str
    labels: NDArray[np.integer] | None
    groups: NDArray[Any] | None
    logits: Mapping[str, NDArray[np.floating]]

    def of(self, logs: Sequence[LogLike]) -> list[NDArray[np.floating]]:
        """Return the logits of those of the runs that have some."""
        return [self.logits[log.label] for log in logs if log.label in self.logits]

    @property
    def parts(self) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        """All samples, and the samples of every group, where there are several."""
        yield ALL, np.ones(len(next(iter(self.logits.values()))), dtype=bool)
        names = [] if self.groups is None else pd.unique(self.groups).tolist()
        if self.groups is not None and len(names) > 1:
            yield from ((str(name), np.asarray(self.groups == name)) for name in sorted(names, key=str))


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


def sample_sets(study: Study) -> Mapping[str, SampleSet]:
    """Return the evaluation sets of a study by name, each with the last stored outputs of its runs.

    Raises:
        LogError: runs have stored outputs of different samples, labels, groups or classes under one name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> list(sample_sets(Study(example_study()[-2:])))
        ['training', 'single_view', 'multi_view']
    """
    return study.once(_sample_sets)


def wrong(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return which samples are wrong, ``(sample,)``: another class's logit is at least the own class's.

    Args:
        logits: ``(sample, class)``.
        labels: ``(sample,)``, integers.

    Example:
        >>> wrong(np.array([[2.0, 1.0], [1.0, 1.0], [0.0, 1.0]]), np.array([0, 0, 1])).tolist()
        [False, True, False]
    """
    samples = np.arange(len(labels))
    others = np.array(logits, dtype=np.float64)
    own = others[samples, labels].copy()
    others[samples, labels] = -np.inf

    return np.asarray(~(own > others.max(axis=1)))


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
        logits = log.outputs(one.name, step=step).logits
        mistakes, losses = wrong(logits, labels), cross_entropies(logits, labels)
        for group, chosen in one.parts:
            error = rate(int(mistakes[chosen].sum()), int(chosen.sum()))
            yield (*who, one.name, int(step), group, *error, float(losses[chosen].mean()))


def _sample_sets(study: Study) -> Mapping[str, SampleSet]:
    names = dict.fromkeys(name for log in study.usable for name in log.output_sets)
    found = {}
    for name in names:
        stored = {log.label: log.outputs(name) for log in study.usable if name in log.output_sets}
        known = {what: _common(name, what, stored) for what in ("labels", "groups", "ids")}
        _check_shapes(name, {label: one.logits.shape for label, one in stored.items()})
        logits = {label: one.logits for label, one in stored.items()}
        found[name] = SampleSet(name, known["labels"], _as_text(known["groups"]), logits)

    return found


def _common(name: str, what: str, stored: Mapping[str, Outputs]) -> NDArray[Any] | None:
    """Return the labels, groups or ids that runs have stored with outputs of one name; None where none has.

    Raises:
        LogError: two runs have stored different ones.
    """
    given = {label: getattr(one, what) for label, one in stored.items() if getattr(one, what) is not None}
    first = next(iter(given), "")
    for label, values in given.items():
        if not np.array_equal(values, given[first]):
            raise LogError(_not_the_same(name, f"other {what}", label, first))

    return given.get(first)


def _check_shapes(name: str, shapes: Mapping[str, tuple[int, ...]]) -> None:
    first = next(iter(shapes))
    for label, shape in shapes.items():
        if shape != shapes[first]:
            raise LogError(_not_the_same(name, f"another shape, {shape} and not {shapes[first]},", label, first))


def _not_the_same(name: str, got: str, label: str, first: str) -> str:
    return (
        f"expected outputs `{name}` of the same samples in the same order in all runs, got {got} in run `{label}` than "
        f"in run `{first}`; evaluate all runs on one set, or store them under different names"
    )


def _as_text(groups: NDArray[Any] | None) -> NDArray[Any] | None:
    return None if groups is None else np.asarray(groups).astype(str).astype(object)


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
    last = last_of_all(table)
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
