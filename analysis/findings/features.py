"""How large every feature is in every run at every step, beside what chance reaches there."""

from collections.abc import Collection, Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from probes.analysis.study import Study, finding
from probes.analysis.taps.null import OwnClassNull, RandomDirections
from probes.analysis.taps.passes import measured
from probes.analysis.taps.summaries import summarised
from probes.analysis.taps.tap import Tap, called
from probes.log.protocol import LogLike

__all__ = ["COLUMNS", "ends", "every_step", "features", "null_source", "panel"]

COLUMNS = {
    "step": "number of completed optimizer updates; 0 is the initialisation",
    "strength": "sum over units of the absolute correlation; of the positive part where a class has units of its own",
    "peak": "largest of these over units",
    "neuron": "the unit at the peak",
    "null": "99th percentile of the strength along random directions, or of all features at step 0",
    "null_peak": "99th percentile of the peak along random directions, or of all features at step 0",
    "off_strength": "own-class taps: largest strength of the class's units on a feature of any other class",
    "off_peak": "own-class taps: largest peak of the class's units on a feature of any other class",
}

# Steps that a line is drawn with, as many as a screen shows; and rows that a table has at most by taking fewer.
_POINTS, _MOST_ROWS = 200, 4_000_000
# Rows of the table that are in memory at once where every step is looked at.
_TABLE_ROWS = 2**18
_WHO = ("run", "role", "variant")
_OF_ALL = ("strength", "peak", "neuron", "null", "null_peak")
_OF_OWN_CLASS = ("strength", "peak", "neuron", "off_strength", "off_peak", "null")


@finding
def features(
    study: Study, tap: str | None = None, *, steps: Collection[int] | None = None, every: int | None = None
) -> pd.DataFrame:
    r"""Return one row per (run, step, feature) with the feature's strength and peak, the neuron there, and their null.

    Of correlations c with the directions of a feature f, over units u (the norm along a component axis first):

    .. math::
        strength = \sum_u |c_{u,f}|, \quad peak = \max_u |c_{u,f}|

    In an own-class tap only the units of the feature's class count, and only the positive part of c; `off_strength`
    and `off_peak` are then the largest ones of the same units on a feature of any other class, 0 where there is none.
    `null` and `null_peak` say what random directions reach at the same step, or, where none were recorded, all
    features at step 0; NaN where neither is known. Of an own-class tap `null` is what is beyond the class's own.

    Args:
        study: A study, logs, or a path.
        tap: The series; the only one, or "correlations", where it is not given.
        steps: Take these steps only, as a tuple; one that a run has not recorded gives no row.
        every: Take every so many-th recorded step, beginning with the first, and the last one; by default as many as
            give about 200 steps a run.

    Raises:
        ValueError: ``every`` is below 1, or both ``steps`` and ``every`` are given.
        LogError: there is no such tap, or two runs have the same name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = features(example_study()[-1], steps=(0, 400))
        >>> table.loc[table["class"] == 2, ["step", "view", "strength", "off_strength"]].round(3)
            step  view  strength  off_strength
        4      0     0     0.003         0.004
        5      0     1     0.005         0.006
        16   400     0     0.016         0.004
        17   400     1     4.665         0.006
    """
    if every is not None and (every < 1 or steps is not None):
        raise ValueError(f"expected `every` >= 1, and none where `steps` is given, got every={every} and steps={steps}")
    chosen_tap = study.tap(tap)
    logs = study.with_tap(chosen_tap)

    wanted = None if steps is None else np.array(sorted(steps), dtype=np.int64)
    stride = _stride(logs, chosen_tap) if every is None else every
    return _table(study, logs, chosen_tap, [_rows(log.steps, wanted, stride) for log in logs])


def ends(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a table of `features` at each run's first and last step.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> ends(features(example_study()))["step"].unique().tolist()
        [0, 400]
    """
    steps = table.groupby("run", observed=True)["step"]

    return table[(table["step"] == steps.transform("min")) | (table["step"] == steps.transform("max"))].reset_index(
        drop=True
    )


def every_step(study: Study, log: LogLike, tap: str | None = None) -> Iterator[pd.DataFrame]:
    """Yield the table of `features` of one run at every recorded step, in pieces that fit into memory, in order.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> study = Study(example_study())
        >>> [len(piece) for piece in every_step(study, study.logs[-1])]
        [4812]
    """
    chosen_tap = study.tap(tap)
    span = max(1, _TABLE_ROWS // chosen_tap.features)

    for start in range(0, max(1, len(log.steps)), span):
        yield _table(study, [log], chosen_tap, [np.arange(start, min(start + span, len(log.steps)))])


def null_source(study: Study, tap: str | None = None) -> str:
    """Return in words where the null of a tap comes from: of most runs, if they differ; "" where there is none.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> null_source(Study(example_study()))
        'random directions at the same step'
    """
    chosen_tap = study.tap(tap)
    null = OwnClassNull if chosen_tap.own_class else RandomDirections
    sources = [null(log, study.tap_of(log, chosen_tap.name)).source for log in study.with_tap(chosen_tap)]

    return max(sources, key=sources.count, default="")


def _stride(logs: Iterable[LogLike], tap: Tap) -> int:
    counts = [len(log.steps) for log in logs]
    points = min(_POINTS, max(2, _MOST_ROWS // max(1, tap.features * len(counts))))

    return max(1, max(counts, default=0) // points)


def _rows(recorded: np.ndarray, wanted: np.ndarray | None, every: int) -> np.ndarray:
    """Return the rows of a log to be read."""
    if wanted is not None:
        return np.flatnonzero(np.isin(recorded, wanted))
    rows = np.arange(len(recorded))

    return np.flatnonzero((rows % every == 0) | (rows == len(rows) - 1))


def _table(study: Study, logs: Sequence[LogLike], tap: Tap, rows: Iterable[np.ndarray]) -> pd.DataFrame:
    # One set of categories for all runs: a name is stored once, and not on each of a million rows.
    names = {
        "run": pd.Categorical([log.label for log in logs]),
        "role": pd.Categorical([log.manifest.role for log in logs]),
        "variant": pd.Categorical([log.manifest.variant for log in logs]),
    }
    tables = [
        _run_table(log, study.tap_of(log, tap.name), chosen, {name: kind[[place]] for name, kind in names.items()})
        for place, (log, chosen) in enumerate(zip(logs, rows, strict=True))
    ]
    columns = [*_WHO, "step", *tap.columns, *(_OF_OWN_CLASS if tap.own_class else _OF_ALL)]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def _run_table(log: LogLike, tap: Tap, rows: np.ndarray, names: dict[str, "pd.Categorical[str]"]) -> pd.DataFrame:
    found = summarised(log, tap, rows) if tap.own_class else measured(log, tap, rows)
    parts = [part._asdict() for part in found]
    values = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    if tap.own_class:
        values["null"] = values["null"].repeat(tap.features)
    index = tap.index.iloc[np.tile(np.arange(tap.features), len(rows))].reset_index(drop=True)

    table = pd.DataFrame({name: value.ravel() for name, value in values.items()}, index=index.index)
    table["neuron"] = pd.Series(_units(tap, values["neuron"].ravel()), index=index.index)
    who = {name: kind.repeat(len(index)) for name, kind in names.items()}
    return index.assign(**who, step=np.repeat(log.steps[rows], tap.features)).join(table)


def _units(tap: Tap, numbers: NDArray[np.integer]) -> "NDArray[np.integer] | pd.Categorical[str]":
    """Return what the units at peaks are called: their number, or their places on several axes."""
    inner = tap.unit_index.iloc[: int(np.prod(tap.unit_shape[1:]))].iloc[:, 1:] if tap.own_class else tap.unit_index
    if inner.shape[1] == 0:
        return np.zeros(len(numbers), dtype=np.int32)
    if inner.shape[1] == 1 and inner.iloc[:, 0].dtype.kind == "i":
        return np.asarray(numbers, dtype=np.int32)

    return pd.Categorical.from_codes(numbers, categories=pd.Index(called(inner)))


def panel(study: Study, tap: Tap) -> None:
    """Return nothing: what a table of all steps shows, the other panels draw."""
