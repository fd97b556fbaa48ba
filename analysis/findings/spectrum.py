"""How many directions of each weight count, step by step: its effective and its stable rank."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import entr

from probes.analysis.findings.recorded import POINTS, chosen_rows, named, product
from probes.analysis.findings.scalars import draw
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import GOOD, VIEWS, WIDTH, canvas, key, stroke
from probes.analysis.study import Study, finding
from probes.errors import LogError
from probes.log.layout import Series
from probes.log.protocol import LogLike

__all__ = ["COLUMNS", "panel", "spectrum"]

COLUMNS = {
    "weight": "name of the parameter",
    "values": "how many singular values were recorded; empty where the rank itself was",
    "effective_rank": "exp of the entropy of the shares of the singular values in their sum; 0 of a weight of zeros",
    "stable_rank": "sum of the squared singular values over the largest one squared; 0 of a weight of zeros",
}

_RANKS = ("effective_rank", "stable_rank")
_WEIGHTS = 6  # that a figure shows


@finding
def spectrum(study: Study) -> pd.DataFrame:
    r"""Return one row per (run, weight, step, leading axes): its effective and its stable rank, at up to 201 steps.

    Of the recorded singular values :math:`\sigma_i` with :math:`p_i = \sigma_i / \sum_j \sigma_j`:

    .. math::
        effective\_rank = \exp\Big(-\sum_i p_i \ln p_i\Big), \quad stable\_rank = \sum_i \sigma_i^2 / \sigma_1^2

    as in Roy & Vetterli 2007 and Rudelson & Vershynin 2007, see `probes.quantities.effective_rank`. Where only the
    largest values were recorded both are too small; a rank that was recorded itself takes their place.

    Args:
        study: A study, logs, or a path.

    Raises:
        LogError: no run has recorded a spectrum or a rank.

    Example:
        >>> from probes.log import Manifest, memory_log
        >>> series = Series("w.spectrum", ("rank",), (2,), quantity="spectrum")
        >>> spectrum(memory_log(Manifest("a", (series,)), [0, 1], {"w.spectrum": [[2, 2], [2, 0]]}))
          run weight  step  values  effective_rank  stable_rank
        0   a      w     0       2             2.0          2.0
        1   a      w     1       2             1.0          1.0
    """
    known = named(study, "spectrum", "rank")
    if not known:
        raise LogError(
            "expected singular values of a weight, got none; record them by `probes.quantities.spectrum(name)`"
        )
    tables = [_of_series(log, log.series[name]) for name, logs in known.items() for log in logs]
    found = pd.concat(tables, ignore_index=True)
    axes = _axes(found)

    # `first` takes what is not empty: a rank that was recorded stands before that of the spectrum.
    found = found.sort_values("values", na_position="first", kind="stable")
    keys = ["run", "weight", *axes, "step"]
    joined: pd.DataFrame = found.groupby(keys, sort=False, dropna=False).first().reset_index()
    return joined.sort_values(keys, kind="stable", ignore_index=True)[[*keys, "values", *_RANKS]]


def ranks(values: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return effective and stable rank of singular values ``(..., rank)``, each ``(...)``.

    Example:
        >>> effective, stable = ranks(np.array([[3.0, 3.0, 3.0], [2.0, 1.0, 0.0]]))
        >>> effective.round(3).tolist(), stable.tolist()
        ([3.0, 1.89], [3.0, 1.25])
    """
    exact = np.asarray(values, dtype=np.float64)
    total, largest = exact.sum(-1, keepdims=True), exact.max(-1, keepdims=True)
    shares = np.divide(exact, total, out=np.zeros_like(exact), where=total > 0)
    relative = np.divide(exact, largest, out=np.zeros_like(exact), where=largest > 0)

    return np.where(total[..., 0] > 0, np.exp(entr(shares).sum(-1)), 0), np.square(relative).sum(-1)


def _axes(table: pd.DataFrame) -> list[str]:
    return [str(name) for name in table if name not in {"run", "step", *COLUMNS}]


def _of_series(log: LogLike, series: Series) -> pd.DataFrame:
    """Return the rows of one series of a run: of both ranks where it is a spectrum, else of its own."""
    recorded = log[series.name]
    rows = chosen_rows(len(recorded.steps), POINTS)
    values = recorded[rows]
    weight, _, kind = series.name.rpartition(".")
    whole = series.quantity == "spectrum"
    axes, shape = (series.dims[:-1], series.shape[:-1]) if whole else (series.dims, series.shape)

    found = dict(zip(_RANKS, ranks(values), strict=True)) if whole else {kind: values}
    index = product({"step": recorded.steps[rows].tolist()} | dict(zip(axes, map(range, shape), strict=True)))
    columns = {name: found[name].ravel() if name in found else np.nan for name in _RANKS}
    count = pd.Series(series.shape[-1] if whole else pd.NA, index=index.index, dtype="Int64")
    return index.assign(run=log.label, weight=weight, values=count, **columns)


def panel(study: Study) -> Panel | None:
    """Return the panel of both ranks over the steps, a row for each weight; None where no spectrum was recorded."""
    if not named(study, "spectrum", "rank"):
        return None
    table = spectrum(study)
    axes = _axes(table)
    weights = table["weight"].drop_duplicates().tolist()
    shown = weights[:_WEIGHTS]
    students = {log.label for log in study.students}

    figure, cells = canvas(WIDTH, 0.5 + 1.8 * len(shown), rows=len(shown), columns=2)
    for number, ax in enumerate(cells):
        weight, kind = shown[number // 2], _RANKS[number % 2]
        rows = table[table["weight"] == weight].dropna(subset=[kind]).rename(columns={kind: "value"})
        draw(rows, ax, students=students, axes=axes, title=f"{weight}: {kind.replace('_', ' ')}")
    if students:
        key(figure, [(stroke(VIEWS[0]), "runs without teachers"), (stroke(GOOD), "students")])
    caption = (
        "Effective rank, exp of the entropy of the singular values' shares, and stable rank, their squares over the "
        "largest square, against the step; one thin line a run, bold their median. Compare with step 0, the "
        f"initialisation. {' '.join(_said(table, weight) for weight in shown)}"
        + (f" {len(weights) - len(shown)} more weights are in the table." if len(weights) > len(shown) else "")
    )
    return Panel("spectrum", "How many directions of each weight count", caption, table, figure)


def _said(table: pd.DataFrame, weight: str) -> str:
    """Say of one weight which ranks the runs begin and end with, as medians."""
    rows = table[table["weight"] == weight]
    steps = rows.groupby("run", sort=False)["step"]
    first, last = (rows[rows["step"] == steps.transform(end)] for end in ("min", "max"))
    parts = [
        f"{kind.replace('_', ' ')} {first[kind].median():.3g} to {last[kind].median():.3g}"
        for kind in _RANKS
        if rows[kind].notna().any()
    ]
    count = rows["values"].max()

    return f"{weight}{'' if pd.isna(count) else f' ({count} singular values)'}: {', '.join(parts)}."
