"""The lottery-winning set M, read off the initialisation, beside the view that was really learned."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Polygon

from probes.analysis.findings.features import ends
from probes.analysis.findings.learned import learned, null_rate
from probes.analysis.intervals import largest, rate
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import INK, MUTED, VIEWS, WIDTH, canvas, key
from probes.analysis.study import Study, finding
from probes.analysis.theory.measurement import Measurement, units
from probes.analysis.theory.recipe import exponent, moments, race_series
from probes.analysis.theory.roles import of_singles, race_features
from probes.errors import LogError
from probes.log.protocol import LogLike

__all__ = ["CLAIMS", "COLUMNS", "adjusted_peaks", "draw", "gap_factor", "panel", "winning_set"]

COLUMNS = {
    "predicted": "view whose adjusted peak at initialisation is the larger one (no gap factor)",
    "winner": "whether (class, predicted) is in M, that is, whether its lead also exceeds the gap factor",
    "ratio": "losing over winning adjusted peak at initialisation, in [0, 1]",
    "learned": "`view 0`, `view 1`, `both` or `none`",
    "agrees": "whether exactly the predicted view was learned",
    "losing_share": "largest correlation with the losing view over that with the winning view, at the last step",
}

_TABLE = ("run", "role", "variant", "class", *COLUMNS, "rule")
_RULE = (
    "predicted: the view whose peak at step 0 times S^(1/(q-2)) is the larger (S from the run's evaluation, taken as "
    "equal for both views where it has none); winner: its lead is a factor 1 + 1/log^2 m or more; learned: {}"
)
_HALF = 0.46  # of a square in the figure


@finding
def winning_set(study: Study) -> pd.DataFrame:
    r"""Return one row per (run, class): the view its initialisation predicts, whether it is in M, the view it learned.

    .. math::
        M = \{(i,\ell): \Lambda_{i,\ell} \ge \Lambda_{i,3-\ell}
        (S_{i,3-\ell}/S_{i,\ell})^{1/(q-2)} (1 + 1/\log^2 m)\}, \quad
        \Lambda_{i,\ell} = \max_r [\langle w^{(0)}_{i,r}, v_{i,\ell}\rangle]^+

    (`Allen-Zhu & Li, 2023 <https://arxiv.org/abs/2012.09816>`_, full version). `predicted` is the view with the larger
    side of the inequality without its gap factor, and `ratio` the smaller side over the larger; `winner` says whether
    the gap factor is exceeded, too. `learned` is "view 0", "view 1", "both" (a tie) or "none"; `losing_share` is the
    final peak of the view that was not predicted over that of the predicted one.

    Runs that continue another one are left out, because their step 0 is no initialisation, and so are runs that
    diverged, failed or have no recorded step.

    Args:
        study: A study of the theory, logs, or a path.

    Raises:
        LogError: a log has no series (class, neuron, feature_class, view) with two views, does not begin at step 0, or
            has moments S but no exponent q.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = winning_set(example_study()[-1])
        >>> table["predicted"].tolist(), table["learned"].unique().tolist()
        ([0, 0, 1, 0, 0, 0], ['view 0', 'view 1'])
    """
    racing = [log for log in study.usable if not log.manifest.continues]
    if not racing:
        return pd.DataFrame(columns=list(_TABLE))
    neurons = [race_series(log).shape[1] for log in racing]

    rows = study.rule(ends(race_features(study)))
    by_run = dict(iter(rows.groupby("run", observed=True)))
    races = [_race(log, by_run[log.label], m) for log, m in zip(racing, neurons, strict=True)]
    table = pd.concat(races, ignore_index=True).assign(rule=str(study.rule))
    table.attrs["rule"] = _RULE.format(study.rule)
    return table


def panel(study: Study) -> Panel | None:
    """Return the panel of what was won: single networks, or all runs with an initialisation of their own."""
    shown = of_singles(study, winning_set(study))
    if not len(shown):
        return None

    runs, classes = shown["run"].nunique(), shown["class"].nunique()
    figure, axes = canvas(min(WIDTH, 2.2 + 0.36 * max(classes, 12)), 1 + 0.36 * runs)
    draw(shown, axes[0])
    caption = (
        f"The view that each of {runs} runs learned of each class. The initialisation decides it: {_agreement(shown)}. "
        "Rings: the lead at initialisation is within the gap factor, so the class has no winner in M. "
        f"{_null(study)}"
    )
    return Panel("winners", "What was won", caption, shown, figure)


def gap_factor(neurons: int) -> float:
    r"""Return :math:`1 + 1/\log^2 m`, the lead a view needs to be in M; infinite for one neuron.

    Example:
        >>> round(gap_factor(10), 3)
        1.189
    """
    return 1 + 1 / math.log(neurons) ** 2 if neurons > 1 else math.inf


def adjusted_peaks(log: LogLike, peaks: np.ndarray) -> np.ndarray:
    r"""Return :math:`\Lambda_{i,\ell} S_{i,\ell}^{1/(q-2)}`, the two sides of M's inequality, ``(class, view)``.

    Args:
        log: The run, asked for its S and q; without S both views count as equal.
        peaks: Peaks at initialisation, ``(class, view)``.

    Raises:
        LogError: If the run has moments S but no exponent q, or S of another shape.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> adjusted_peaks(example_study()[0], np.ones((6, 2))).round(2).tolist()[0]
        [0.18, 0.17]
    """
    moment = moments(log)
    if moment is None:
        return peaks
    if moment.shape != peaks.shape:
        raise LogError(
            f"run `{log.manifest.run_id}`: expected `class_view_moment` of shape {peaks.shape} (class, view), "
            f"got {moment.shape}; evaluate the run again"
        )

    return np.asarray(peaks * moment ** (1 / (exponent(log) - 2)))


def draw(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one row a run and one square a class, coloured by the view that was learned.

    A ring marks a class outside M, where the lead at initialisation is below the gap factor; a cross marks a class
    that learned another view than the initialisation predicts.

    Args:
        frame: Table of `winning_set`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> len(draw(winning_set(example_study()[-5:]), canvas(4, 3)[1][0]).get_yticks())
        5
    """
    runs = {run: row for row, run in enumerate(frame["run"].unique())}
    for run, class_, outcome in zip(frame["run"], frame["class"], frame["learned"], strict=True):
        _cell(ax, class_, runs[run], outcome)
    _mark(ax, frame[~frame["winner"]], runs, marker="o", markersize=4)
    missed = frame["learned"].isin(["view 0", "view 1"]) & ~frame["agrees"]
    _mark(ax, frame[missed], runs, marker="x", markersize=5)

    ax.set(xlim=(-0.5, frame["class"].max() + 0.5), ylim=(len(runs) - 0.5, -0.5), aspect="equal", xlabel="class")
    ax.set_xticks(sorted(frame["class"].unique()))
    ax.set_yticks(list(runs.values()), list(runs))
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    key(ax, _names())
    return ax


def _cell(ax: Axes, x: float, y: float, learned: str) -> None:
    left, right, top, bottom = x - _HALF, x + _HALF, y - _HALF, y + _HALF
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]

    if learned == "both":
        ax.add_patch(Polygon([corners[0], corners[1], corners[3]], facecolor=VIEWS[0], linewidth=0))
        ax.add_patch(Polygon([corners[1], corners[2], corners[3]], facecolor=VIEWS[1], linewidth=0))
    elif learned == "none":
        ax.add_patch(Polygon(corners, fill=False, edgecolor=MUTED, linewidth=0.7))
    else:
        ax.add_patch(Polygon(corners, facecolor=VIEWS[learned == "view 1"], linewidth=0))


def _mark(ax: Axes, frame: pd.DataFrame, runs: Mapping[str, int], **style: Any) -> None:
    fixed: dict[str, Any] = {"linestyle": "none", "color": "white", "markerfacecolor": "none", "markeredgewidth": 1.1}
    ax.plot(frame["class"], frame["run"].map(runs), **fixed, **style)


def _names() -> Sequence[tuple[Artist | tuple[Artist, ...], str]]:
    ring, cross = (Line2D([], [], linestyle="none", color=INK, marker=mark, markerfacecolor="none") for mark in "ox")
    first, second = (Patch(color=colour) for colour in VIEWS)

    return [
        (first, "view 0"),
        (second, "view 1"),
        ((first, second), "both"),
        (Patch(facecolor="none", edgecolor=MUTED), "none"),
        (ring, "outside M"),
        (cross, "other than predicted"),
    ]


def _agreement(table: pd.DataFrame) -> str:
    decided = table[table["learned"].isin(["view 0", "view 1"])]
    both, none = ((table["learned"] == outcome).sum() for outcome in ("both", "none"))

    return (
        f"its prediction is right in {decided['agrees'].sum()} of the {len(decided)} classes that learned exactly one "
        f"view ({both} learned both, {none} none)"
    )


def _null(study: Study) -> str:
    if learned(study)["off_strength"].isna().all():
        return f"Learned means: {study.rule}; other classes' features were not recorded."
    found = null_rate(learned(study), rule=study.rule)

    return f"Learned means: {study.rule}; {found.value:.1%} of {found.n} off-class directions reach the first of these."


def _race(log: LogLike, ends: pd.DataFrame, neurons: int) -> pd.DataFrame:
    """Return the rows of one run; its first and last step may be the same."""
    start, end = ends[ends["step"] == ends["step"].min()], ends[ends["step"] == ends["step"].max()]
    sides = adjusted_peaks(log, _by_view(start, "peak"))
    classes, predicted = np.arange(len(sides)), sides.argmax(axis=1)
    ratio = _over(sides[classes, 1 - predicted], sides[classes, predicted])
    peak, known = _by_view(end, "peak"), _by_view(end, "learned").astype(bool)

    return pd.DataFrame({
        "run": log.label,
        "role": log.manifest.role,
        "variant": log.manifest.variant,
        "class": classes,
        "predicted": predicted,
        "winner": ratio <= 1 / gap_factor(neurons),
        "ratio": ratio,
        "learned": np.select([known.all(axis=1), known[:, 0], known[:, 1]], ["both", "view 0", "view 1"], "none"),
        "agrees": known[classes, predicted] & ~known[classes, 1 - predicted],
        "losing_share": _over(peak[classes, 1 - predicted], peak[classes, predicted]),
    })


def _by_view(features: pd.DataFrame, name: str) -> np.ndarray:
    """Return a column of one run at one step as ``(class, view)``."""
    return features[name].to_numpy().reshape(-1, 2)


def _over(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return part / whole, NaN where both are 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(part / whole, dtype=float)


def _predicted(study: Study) -> Iterator[Measurement]:
    table = winning_set(study)
    table = table[table["role"] == "single"]
    counts = table["learned"].value_counts()
    decided = table[table["learned"].isin(["view 0", "view 1"])]
    if len(decided):
        note = (
            f"n: classes of {table['run'].nunique()} runs that learned exactly one view ({counts.get('both', 0)} more "
            f"learned both, {counts.get('none', 0)} none); prediction without gap factor; interval: Wilson"
        )
        yield Measurement(rate(int(decided["agrees"].sum()), len(decided)), note)


def _winners_size(study: Study) -> Iterator[Measurement]:
    table = winning_set(study)
    table = table[table["role"] == "single"]
    if len(table):
        note = f"|M|/k; n: classes of {table['run'].nunique()} runs; interval: Wilson"
        yield Measurement(rate(int(table["winner"].sum()), len(table)), note)


def _losing_view(study: Study) -> Iterator[Measurement]:
    table = winning_set(study)
    table = table[(table["role"] == "single") & table["winner"].astype(bool)]
    raced = table[table["learned"] != "none"]
    if len(raced):
        every, what = units(raced["losing_share"].astype(float), raced["run"], "max")
        note = (
            f"largest peak of a losing view over its winner's, at the last step, in {len(raced)} classes of M "
            f"({len(table) - len(raced)} more learned no view); n: {what}; interval: the largest of as many others, "
            "taken as normal"
        )
        yield Measurement(largest(every), note)


CLAIMS: Mapping[str, Callable[[Study], Iterator[Measurement]]] = {
    "winners.predicted": _predicted,
    "winners.size": _winners_size,
    "losing_view.stays_small": _losing_view,
}
