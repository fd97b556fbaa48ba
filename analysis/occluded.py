"""By how much a run's margin falls where a cell of the image is covered, sample by sample, from outputs `occluded`."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from probes.analysis.margins import margins
from probes.analysis.sample_sets import OCCLUDED, SampleSet, sample_sets
from probes.analysis.study import Study
from probes.errors import LogError, NotRecordedError

__all__ = ["WHOLE", "Occluded", "occluded"]

WHOLE = "none"  # the group of images that are not covered
_LEAST = 8  # samples of a class


@dataclass(frozen=True, eq=False)
class Occluded:
    """What covering a cell costs each run.

    Attributes:
        one: The set.
        cells: Names of the cells.
        labels: ``(sample,)``.
        drops: By run, the margin of the whole image less that with the cell covered, ``(sample, cell)``.
    """

    one: SampleSet
    cells: tuple[str, ...]
    labels: NDArray[np.integer]
    drops: Mapping[str, NDArray[np.float64]]

    @property
    def classes(self) -> list[int]:
        """The classes of eight samples or more.

        Raises:
            LogError: there is none.
        """
        classes, counts = np.unique(self.labels, return_counts=True)
        if counts.max() < _LEAST:
            raise LogError(
                f"expected a class with {_LEAST} samples in outputs `occluded`, got {counts.max()} at most; cover the "
                "cells of more samples"
            )
        return [int(one) for one in classes[counts >= _LEAST]]


def occluded(study: Study) -> Occluded:
    """Return what covering a cell costs each run of a study.

    A row of the outputs `occluded` is one sample with one cell covered; `groups` has the cell's name, or "none" for the
    whole image, and `ids` end with it, as ``17/none`` and ``17/left``. Where ids are of another form, or none were
    stored, the first row of each cell is the first sample, and so on.

    Raises:
        NotRecordedError: no run has stored such outputs.
        LogError: they lack labels or groups, have one class, or not every sample with every cell.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> occluded(Study(example_study()[-1:]))
        Traceback (most recent call last):
        probes.errors.NotRecordedError: expected outputs `occluded`, got none; store those of every sample with each...
    """
    one = sample_sets(study).get(OCCLUDED)
    if one is None:
        raise NotRecordedError(
            "expected outputs `occluded`, got none; store those of every sample with each cell of the image covered "
            "and with none: `recorder.outputs('occluded', logits, labels=..., groups=cells, ids=...)`, where "
            "`groups` has the name of the cell, or `none`, and `ids` are as `17/left`"
        )
    if one.labels is None or one.groups is None or next(iter(one.logits.values())).shape[1] < 2:
        raise LogError(
            "expected outputs `occluded` of two classes or more, with labels and groups, got some without; store the "
            "name of the covered cell as `groups`, `none` for the whole image"
        )
    cells, places = _places(one.groups.astype(str), one.ids)
    labels = one.labels[places]
    if (labels != labels[:, :1]).any():
        raise LogError(_not_every("labels of one sample that differ"))
    drops = {}
    for run, logits in one.logits.items():
        found = margins(logits, one.labels)[places]
        drops[run] = found[:, :1] - found[:, 1:]

    return Occluded(one, cells, labels[:, 0], drops)


def _places(groups: NDArray[np.str_], ids: NDArray[np.generic] | None) -> tuple[tuple[str, ...], NDArray[np.integer]]:
    """Return the cells, and the row of each sample with nothing covered and with each cell, ``(sample, 1 + cell)``."""
    cells = tuple(sorted({*groups.tolist()} - {WHOLE}, key=lambda name: (len(name), name)))
    names = [] if ids is None else [str(one) for one in ids.tolist()]
    named = bool(names) and all(name.endswith(cell) for name, cell in zip(names, groups, strict=True))
    rows: list[list[int]] = []
    samples: list[str] = []
    for cell in (WHOLE, *cells):
        found = np.flatnonzero(groups == cell).tolist()
        if named:
            known = {names[row].removesuffix(cell): row for row in found}
            samples = samples or list(known)
            found = [known[name] for name in samples if name in known] if {*known} == {*samples} else []
        rows.append(found)
    if not cells or len({len(one) for one in rows}) > 1 or not rows[0]:
        counts = ", ".join(f"{(groups == cell).sum()} of `{cell}`" for cell in (WHOLE, *cells)[:4])
        raise LogError(_not_every(f"{counts} or others' samples" if named else counts))

    return cells, np.array(rows).T


def _not_every(got: str) -> str:
    return (
        f"expected outputs `occluded` with a row for every sample and cell, and one with `none`, got {got}; store all "
        "of them"
    )
