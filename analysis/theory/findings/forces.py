"""What moved each feature: the labels, or the teacher; step by step, added up, and as a share of the final strength."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from probes.analysis.columns import TABLES
from probes.analysis.facts import correlation_series, usable
from probes.analysis.findings.learned import RULE, LearnedRule, learned
from probes.analysis.taps.passes import BLOCK_BYTES
from probes.errors import LogError
from probes.logs.protocol import LogLike

__all__ = ["FORCES", "force_shares", "forces"]

FORCES = "forces"
_DIMS = ("term", "class", "view")
_KEY = ["run", "class", "view"]

_RULE = (
    "share: what a term added over all steps, over what all terms added; gained: strength at the last step less that "
    "at the first; residual: gained less what all terms added (neurons that cross 0, steps that were not recorded); {}"
)


def forces(logs: LogLike | Iterable[LogLike], *, every: int = 1) -> pd.DataFrame:
    """Return one row per (run, step, term, class, view): what the term adds in the coming update, and the sum so far.

    `cumulative` is what the term has added up to the step, 0 at the first. Where steps were left out in recording, an
    update stands for all until the next recorded one. Runs without the series "forces", those without a teacher, give
    no row.

    Args:
        logs: The runs of a study, or one log.
        every: Give every so many-th recorded step and the last; sums are over all recorded ones.

    Raises:
        LogError: If a series "forces" has other axes than (term, class, view), or two runs have the same name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> list(forces(example_study()[-1]).columns[3:])
        ['step', 'term', 'class', 'view', 'force', 'cumulative']
    """
    tables = [_forces(log, every) for log in usable(logs) if FORCES in log.series]

    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(TABLES["forces"]))


def force_shares(
    logs: LogLike | Iterable[LogLike], *, rule: LearnedRule = RULE, frame: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return one row per (run, class, view, term): what the term added in all, and its share of what all terms added.

    The sums reproduce what the strength gained but for `residual`, mostly neurons that cross zero. A share lies outside
    [0, 1] where terms pulled against each other.

    Args:
        logs: The runs of a study, or one log; those without the series "forces" give no row.
        rule: When a feature counts as learned.
        frame: Table of `features` of these runs, where it is already there; else the logs are read.

    Raises:
        LogError: As `forces`, or if a log has no series (class, neuron, feature_class, view).

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> len(force_shares(example_study()[-1]))
        0
    """
    study = [log for log in usable(logs) if FORCES in log.series]
    known = learned(study, rule=rule, frame=frame)
    tables = [_shares(log, known[known["run"] == log.manifest.run_id]) for log in study]

    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    table = table.reindex(columns=list(TABLES["force_shares"]))
    table.attrs["rule"] = _RULE.format(rule)
    return table


def _terms(log: LogLike) -> tuple[str, ...]:
    series = log.series[FORCES]
    if series.dims != _DIMS:
        raise LogError(
            f"run `{log.manifest.run_id}`: expected series `{FORCES}` with axes ({', '.join(_DIMS)}), got "
            f"({', '.join(series.dims)}); give a series of other axes another name"
        )
    return series.labels.get("term") or tuple(map(str, range(series.shape[0])))


def _sums(log: LogLike, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return forces and what they have added before, at chosen rows, rising: both ``(step, term, class, view)``."""
    series, updates = log.series[FORCES], np.diff(log.steps, append=0)
    read, place, added = [], 0, np.zeros((1, *series.shape))

    for steps, block in log[FORCES].blocks(max(1, BLOCK_BYTES // series.row_bytes)):
        force, stop = block.astype(float), place + len(steps)
        moved = force * updates[place:stop].reshape(-1, 1, 1, 1)
        sums = np.cumsum(np.concatenate([added, moved]), axis=0)
        inside = rows[(rows >= place) & (rows < stop)] - place
        read.append((force[inside], sums[inside]))
        place, added = stop, sums[-1:]
    force, sums = (np.concatenate(parts) for parts in zip(*read, strict=True))
    return force, sums


def _forces(log: LogLike, every: int) -> pd.DataFrame:
    terms, rows = _terms(log), np.arange(len(log.steps))
    rows = rows[(rows % every == 0) | (rows == len(rows) - 1)]
    force, added = _sums(log, rows)
    step, term, class_, view = np.indices(force.shape)

    table = pd.DataFrame({
        "run": log.manifest.run_id,
        "role": log.manifest.role,
        "variant": log.manifest.variant,
        "step": log.steps[rows][step.ravel()],
        "term": pd.Categorical(np.array(terms)[term.ravel()], categories=list(terms)),
        "class": class_.ravel(),
        "view": view.ravel(),
        "force": force.ravel(),
        "cumulative": added.ravel(),
    })
    return table[list(TABLES["forces"])]


def _shares(log: LogLike, known: pd.DataFrame) -> pd.DataFrame:
    terms, added = _terms(log), _sums(log, np.array([len(log.steps) - 1]))[1][-1]
    first, last = (_strength(log, row) for row in (0, len(log.steps) - 1))
    total = added.sum(axis=0)
    gained = last - first
    with np.errstate(divide="ignore", invalid="ignore"):
        share = added / total

    tables = [
        known.assign(
            term=term,
            gained=gained.ravel(),
            added=added[place].ravel(),
            share=share[place].ravel(),
            residual=(gained - total).ravel(),
        )
        for place, term in enumerate(terms)
    ]
    return pd.concat(tables).sort_values(_KEY, kind="stable")


def _strength(log: LogLike, row: int) -> np.ndarray:
    """Return the strengths of own features at a recorded row, ``(class, view)``."""
    values = np.asarray(log[correlation_series(log).name][row], dtype=float)
    classes = np.arange(len(values))

    return np.asarray(np.maximum(values[classes, :, classes], 0).sum(axis=1))
