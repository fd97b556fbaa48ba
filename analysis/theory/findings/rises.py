"""When each feature that came from a teacher was learned, and how steeply it rose."""

import pandas as pd
from matplotlib.axes import Axes

from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import BAD, GOOD, INK, VIEWS, WIDTH, canvas
from probes.analysis.study import Study
from probes.analysis.theory.findings.growth import growth

__all__ = ["draw", "panel"]

_MARKS = (("o", VIEWS[0]), ("s", VIEWS[1]), ("D", GOOD), ("^", BAD), ("v", INK))


def panel(study: Study) -> Panel | None:
    """Return the panel of first steps and rises of the features that students took from their teachers."""
    table = growth(study)
    if not len(table):
        return None

    figure, axes = canvas(WIDTH / 1.6, 3.2)
    draw(table, axes[0])
    caption = (
        "When each feature that came from a teacher was learned, and in how many steps it rose to half its strength."
    )

    return Panel("rises", "When and how fast", caption, table, figure)


def draw(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one dot a taught feature: when it counted as learned first, and how steeply it rose.

    Args:
        frame: Table of `growth`; features that are own, not taught or not learned are not drawn.
        ax: Where to draw.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> draw(growth(example_study()), canvas(4, 3)[1][0]).get_ylabel()
        'steps from 10 % to 50 %'
    """
    shown = frame[~frame["own"].astype(bool) & frame["taught"].astype(bool) & frame["learned"].astype(bool)]
    for place, (kind, part) in enumerate(shown.groupby(["role", "variant"], sort=False, observed=True)):
        name = " ".join(word for word in map(str, kind) if word)
        steps = part["first_step"].astype(float)
        marker, colour = _MARKS[place % len(_MARKS)]
        ax.plot(steps, part["rise"].astype(float), marker, color=colour, markersize=4.5, alpha=0.7, label=name)

    ax.set(xlabel="first step above the threshold", ylabel="steps from 10 % to 50 %")
    ax.set_xscale("symlog", linthresh=10)
    ax.set_yscale("symlog", linthresh=1)
    ax.set_ylim(bottom=-0.2)
    if len(shown):
        ax.legend(frameon=False, fontsize=8, labelcolor=INK, handletextpad=0.2)
    return ax
