"""How near the first layer's neurons come to known directions, beside what as many random directions give."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import MUTED, VIEWS, canvas, key
from probes.analysis.study import Study, finding
from probes.log.protocol import LogLike

__all__ = ["COLUMNS", "draw", "first_layer", "panel"]

COLUMNS = {
    "step": "number of completed optimizer updates; 0 is the initialisation",
    "cosine": "largest cosine of a neuron with a direction, mean over directions",
    "null": "the same for as many random directions",
}

_WEIGHT = "first.weight"
_POINTS = 200


@finding
def first_layer(study: Study) -> pd.DataFrame:
    r"""Return one row per (run, step): :math:`\max_r \cos(w_r, v_j)` over neurons r, mean over directions j.

    Of a run with more than about 200 recorded steps some are left out, never the first or the last; runs of other
    studies give no row.

    Args:
        study: A study on Gaussian inputs, logs, or a path; runs that diverged or failed are left out.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> first_layer(example_study()).empty
        True
    """
    rows = [row for log in study.usable if f"{_WEIGHT}.null.cosine" in log.series for row in _rows(log)]

    return pd.DataFrame(rows, columns=["run", "role", *COLUMNS])


def panel(study: Study) -> Panel | None:
    """Return the panel of the cosines of single networks against steps."""
    table = first_layer(study)
    if table.empty:
        return None

    figure, (ax,) = canvas(3.8, 2.8)
    draw(table, ax)
    source = study.usable[0].directions(_WEIGHT).facts.get("source", "known directions")
    caption = (
        f"For every direction ({source}) the largest cosine that a neuron of the first layer has with it, mean over "
        "directions; one line a single network. Grey: the same of as many random directions."
    )
    return Panel("first_layer", "What the first layer finds", caption, table, figure)


def draw(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with the cosines of single networks against steps, and what random directions give in grey.

    Args:
        frame: Table of `first_layer`.
        ax: Where to draw.

    Example:
        >>> table = pd.DataFrame({"run": "a", "role": "single", "step": [0, 9], "cosine": [0.4, 0.6], "null": 0.4})
        >>> len(draw(table, canvas(3, 3)[1][0]).get_lines())
        2
    """
    for _, run in frame[frame["role"] == "single"].groupby("run", sort=False):
        ax.plot(run["step"], run["cosine"], color=VIEWS[0], linewidth=0.9, alpha=0.6)
        ax.plot(run["step"], run["null"], color=MUTED, linewidth=0.9, alpha=0.6)

    ax.set(xlabel="step", ylabel="largest cosine of a neuron", ylim=(0, 1))
    marks = {"known directions": VIEWS[0], "random directions": MUTED}
    key(ax, [(Line2D([], [], color=colour), name) for name, colour in marks.items()])
    return ax


def _rows(log: LogLike) -> Iterator[tuple[object, ...]]:
    last = len(log.steps) - 1
    for row in np.unique(np.linspace(0, last, min(last + 1, _POINTS)).astype(int)):
        products, norms = (np.asarray(log[name][row : row + 1])[0] for name in (_WEIGHT, f"{_WEIGHT}.norm"))
        cosines = products / np.maximum(norms, np.finfo(norms.dtype).tiny)[:, None]
        null = np.asarray(log[f"{_WEIGHT}.null.cosine"][row : row + 1]).mean()
        yield log.label, log.manifest.role, int(log.steps[row]), float(cosines.max(0).mean()), float(null)
