"""How the features grow that a run's own initialisation does not win, with a teacher and without one."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from probes.analysis.plots.canvas import GOOD, INK, MUTED, WIDTH, broken, canvas, key, logarithmic, stroke
from probes.analysis.plots.marks import thin_lines
from probes.analysis.study import Study, finding
from probes.analysis.theory.roles import WHO, race_features
from probes.analysis.theory.teaching import own_features, taught_by
from probes.log.protocol import LogLike

__all__ = ["COLUMNS", "draw", "draw_beside", "missing_features"]

COLUMNS = {
    "step": "number of completed optimizer updates; 0 is the initialisation",
    "strength": "sum over neurons r of [<w_{i,r}, v_{i,l}>]^+",
    "off_strength": "null: largest strength of class i's neurons on view l of any other class",
    "taught": "whether at least one teacher learned the feature",
}

_TABLE = (*WHO, "class", "view", *COLUMNS)
_COLOURS = {True: GOOD, False: INK}
_NAMES = (
    (stroke(GOOD, 2.4), "a teacher learned it"),
    (stroke(INK, 2.4), "no teacher learned it"),
    (stroke(MUTED, 1), "largest on another class (null)"),
)


@finding
def missing_features(study: Study) -> pd.DataFrame:
    """Return one row per (run, step, class, view) of the features that are not the run's own, with its strength there.

    Of runs without teachers nothing is taught.

    Args:
        study: A study of the theory, logs, or a path.

    Raises:
        LogError: a run's teachers are not in the study, or a log is not as `own_features` expects.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = missing_features(example_study()[-1])
        >>> ends = table[table["step"].isin([0, 400])]
        >>> ends.groupby("step")["strength"].max().astype(float).round(3).to_dict()
        {0: 0.003, 400: 0.016}
    """
    by_run = dict(iter(race_features(study).groupby("run", observed=True)))
    tables = [_missing(study, log, by_run[log.label]) for log in study.usable]

    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    return table.reindex(columns=list(_TABLE))


def draw(frame: pd.DataFrame, ax: Axes, *, title: str = "", named: bool = True) -> Axes:
    """Return the axes with one thin line a feature, strength against step, the medians in bold, the null in grey.

    Features that a teacher learned are green, those that none learned are dark.

    Args:
        frame: Table of `missing_features`, of runs of one kind.
        ax: Where to draw.
        title: What kind of runs these are.
        named: Whether to name the lines.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> draw(missing_features(example_study()[-1]), canvas(4, 3)[1][0]).get_ylabel()
        'strength of a missing feature'
    """
    for taught, colour in _COLOURS.items():
        group = frame[frame["taught"] == taught]
        wide = group.pivot_table(index="step", columns=["run", "class", "view"], values="strength", observed=True)
        thin_lines(ax, wide, colour, bold=2.4)
    null = frame.groupby("step")["off_strength"].max()
    ax.plot(null.index, null, color=MUTED, linewidth=1)

    ax.set(xlabel="step", ylabel="strength of a missing feature")
    ax.set_title(title, fontsize=8.5)
    logarithmic(ax)
    ax.margins(x=0)
    if named:
        key(ax, _NAMES)
    return ax


def draw_beside(kinds: Mapping[str, pd.DataFrame]) -> Figure:
    """Return a figure with one panel for each kind of run, on one strength axis.

    Args:
        kinds: Tables of `missing_features` by what to call the runs, those without teacher first.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = missing_features(example_study())
        >>> len(draw_beside(dict(iter(table[table["role"] != "average"].groupby("role", observed=True)))).axes)
        3
    """
    figure, axes = canvas(min(WIDTH, 2.4 * len(kinds) + 0.6), 3.1, columns=len(kinds), sharey=True)

    for ax, (title, frame) in zip(axes, kinds.items(), strict=True):
        draw(frame, ax, title=broken(title), named=False)
        ax.label_outer()
    key(figure, _NAMES)
    return figure


def _missing(study: Study, log: LogLike, table: pd.DataFrame) -> pd.DataFrame:
    own = own_features(study, log)
    taught = _taught(study, log) if log.manifest.parents else np.zeros_like(own)
    place = (table["class"].to_numpy(), table["view"].to_numpy())

    chosen: pd.DataFrame = table.assign(taught=taught[place])[~own[place]]
    return chosen


def _taught(study: Study, student: LogLike) -> np.ndarray:
    """Return the features that at least one teacher learned, ``(class, view)``."""
    return taught_by(study, student).any(axis=1).to_numpy(dtype=bool).reshape(-1, 2)
