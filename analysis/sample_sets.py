"""Evaluation sets: what the runs of a study say of the same samples, from the outputs stored with them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from probes.analysis.study import Study
from probes.errors import LogError
from probes.log.outputs import Outputs
from probes.log.protocol import LogLike

__all__ = ["ALL", "SampleSet", "sample_sets"]

ALL = "all"  # the group of all samples


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
