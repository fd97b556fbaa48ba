"""Evaluation sets: what the runs of a study say of the same samples, from the outputs stored with them.

Samples are matched by their ids where runs have stored some. Sets whose samples are changed copies of others, or whose
networks are, have names by which the findings about them know them: `OCCLUDED`, `LEAD`, `ONE_STEP`, `DELETED`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from probes.analysis.log_probabilities import are_probabilities, as_logits
from probes.analysis.study import Study
from probes.errors import LogError
from probes.log.outputs import Outputs
from probes.log.protocol import LogLike

__all__ = [
    "ALL",
    "BOTH",
    "DELETED",
    "LEAD",
    "OCCLUDED",
    "ONE_STEP",
    "ONE_VIEW",
    "SampleSet",
    "places_in",
    "plain_sets",
    "sample_sets",
]

ALL = "all"  # the group of all samples
BOTH = "both"  # the group of samples that show all views of their class
ONE_VIEW = "one view"  # all others, where there are such
OCCLUDED = "occluded"  # images with a part covered
LEAD = "lead"  # a probe batch that shows one view at a time
ONE_STEP = "lead-one-step"  # the same, after one gradient step from the initialisation
DELETED = "deleted-"  # networks with a share of their channels


@dataclass(frozen=True, eq=False)
class SampleSet:
    """One evaluation set with the last stored outputs of every run that has some; all on the same samples.

    Attributes:
        name: What the set is called.
        labels: ``(sample,)``, from whichever run has stored them; None where none has.
        groups: The group of each sample, as text; likewise.
        logits: By run, ``(sample, class)``; of probabilities their logarithms.
        ids: What tells each sample from the others, ``(sample,)``; likewise.
        orders: By run, where each sample stands in its own outputs, ``(sample,)``.
        probabilities: Runs that have stored probabilities and not logits.
    """

    name: str
    labels: NDArray[np.integer] | None
    groups: NDArray[Any] | None
    logits: Mapping[str, NDArray[np.floating]]
    ids: NDArray[Any] | None
    orders: Mapping[str, NDArray[np.integer]]
    probabilities: Sequence[str] = ()

    def at(self, log: LogLike, step: int) -> NDArray[np.floating]:
        """Return the logits of a run at a step, ``(sample, class)``, in the order of the set."""
        return np.asarray(as_logits(log.outputs(self.name, step=step).logits)[self.orders[log.label]])

    @property
    def stated(self) -> str:
        """Which runs have stored probabilities, as a sentence behind a space; "" where none has."""
        many = len(self.probabilities)
        if not many:
            return ""
        whose = "all runs" if many == len(self.logits) else f"{many} of {len(self.logits)} runs"

        return f" Outputs `{self.name}` of {whose} are probabilities; their logarithms were taken for logits."

    def of(self, logs: Sequence[LogLike]) -> list[NDArray[np.floating]]:
        """Return the logits of those of the runs that have some."""
        return [self.logits[log.label] for log in logs if log.label in self.logits]

    @property
    def parts(self) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        """All samples, those of every group, where there are several, and those that are of one view and not `BOTH`."""
        yield ALL, np.ones(len(next(iter(self.logits.values()))), dtype=bool)
        names = [] if self.groups is None else pd.unique(self.groups).tolist()
        if self.groups is not None and len(names) > 1:
            yield from ((str(name), np.asarray(self.groups == name)) for name in sorted(names, key=str))
        if self.groups is not None and BOTH in names and len(names) > 2:
            yield ONE_VIEW, np.asarray(self.groups != BOTH)


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


def plain_sets(study: Study) -> Mapping[str, SampleSet]:
    """Return the evaluation sets of networks as they are on samples as they are: all without a name of its own.

    Raises:
        LogError: as `sample_sets`.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> len(plain_sets(Study(example_study()[-2:])))
        3
    """
    special = (OCCLUDED, LEAD, ONE_STEP)

    return {
        name: one for name, one in sample_sets(study).items() if name not in special and not name.startswith(DELETED)
    }


def places_in(one: SampleSet, other: SampleSet) -> NDArray[np.integer] | None:
    """Return where the samples of one set stand in another, ``(sample,)``; None where they are not the same.

    They are the same by their ids where both sets have some, else by their number and order, and their labels.

    Example:
        >>> first, second = (SampleSet("a", None, None, {}, np.array(ids), {}) for ids in (["x", "y"], ["y", "x"]))
        >>> places_in(first, second).tolist()
        [1, 0]
    """
    if one.ids is not None and other.ids is not None:
        known = {name: place for place, name in enumerate(other.ids.tolist())}
        same = known.keys() == {*one.ids.tolist()}
        return np.array([known[name] for name in one.ids.tolist()]) if same else None
    count, many = (len(next(iter(each.logits.values()))) for each in (one, other))
    labelled = one.labels is not None and other.labels is not None
    same = count == many and (not labelled or np.array_equal(np.asarray(one.labels), np.asarray(other.labels)))

    return np.arange(count) if same else None


def _sample_sets(study: Study) -> Mapping[str, SampleSet]:
    names = dict.fromkeys(name for log in study.usable for name in log.output_sets)
    stored = {name: {log.label: log.outputs(name) for log in study.usable if name in log.output_sets} for name in names}

    return {name: _sample_set(name, by_run) for name, by_run in stored.items()}


def _sample_set(name: str, by_run: Mapping[str, Outputs]) -> SampleSet:
    _check_shapes(name, {label: one.logits.shape for label, one in by_run.items()})
    orders = _orders(name, by_run)
    ids, labels, groups = (_common(name, what, by_run, orders) for what in ("ids", "labels", "groups"))

    return SampleSet(
        name,
        labels,
        _as_text(groups),
        {label: as_logits(one.logits)[orders[label]] for label, one in by_run.items()},
        ids,
        orders,
        [label for label, one in by_run.items() if are_probabilities(one.logits)],
    )


def _orders(name: str, by_run: Mapping[str, Outputs]) -> Mapping[str, NDArray[np.integer]]:
    """Return where each sample stands in every run's outputs: by its id, else in the order in which they were stored.

    Raises:
        LogError: two runs have ids of different samples.
    """
    known = {label: one.ids for label, one in by_run.items() if one.ids is not None}
    first = next(iter(known), "")
    found = {label: np.arange(len(one.logits)) for label, one in by_run.items()}
    for label, ids in known.items():
        if np.array_equal(ids, known[first]):
            continue
        places = {one: place for place, one in enumerate(ids.tolist())}
        wanted = known[first].tolist()
        if places.keys() != {*wanted}:
            raise LogError(_not_the_same(name, "other ids", label, first))
        found[label] = np.array([places[one] for one in wanted])

    return found


def _common(
    name: str, what: str, by_run: Mapping[str, Outputs], orders: Mapping[str, NDArray[np.integer]]
) -> NDArray[Any] | None:
    """Return the labels, groups or ids that runs have stored with outputs of one name; None where none has.

    Raises:
        LogError: two runs have stored different ones.
    """
    given = {
        label: getattr(one, what)[orders[label]] for label, one in by_run.items() if getattr(one, what) is not None
    }
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
        f"expected outputs `{name}` of the same samples in all runs, matched by their ids or else in one order, got "
        f"{got} in run `{label}` than in run `{first}`; evaluate all runs on one set, or store them under different "
        "names"
    )


def _as_text(groups: NDArray[Any] | None) -> NDArray[Any] | None:
    return None if groups is None else np.asarray(groups).astype(str).astype(object)
