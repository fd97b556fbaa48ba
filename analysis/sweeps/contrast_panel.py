"""The panel that sets learners side by side, in the report of a sweep of `network.kind`."""

from collections.abc import Iterator

import pandas as pd

from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import canvas, key
from probes.analysis.plots.contrast import contrasted, marks
from probes.analysis.sweeps.contrast import contrast

__all__ = ["contrast_panel"]

_WIDTH = 7.2  # inches: two columns of a paper's page
_CAPTION = (
    "Test error in units of μ, a panel for each learner, each on its own scale: left of the dashed line, the single "
    "models' mean (band: its interval), is a gain. Means over seeds; bars: 95 % intervals, Student's t over three "
    "seeds or more, else from the studies' own. A gain or loss is unclear where its interval, seed by seed, contains 0."
)


def contrast_panel(frame: pd.DataFrame) -> Iterator[Panel]:
    """Yield the panel of `contrast`; none where nothing was measured.

    Args:
        frame: Table of `maps` of a sweep that varies `network.kind`.
    """
    table = contrast(frame)
    if table.empty:
        return
    parts = [part for _, part in table.groupby("learner", sort=False)]
    sizes = [len(part) for part in parts]
    figure, axes = canvas(_WIDTH, 1.15 + 0.24 * max(sizes), columns=len(parts), sharey=len({*sizes}) == 1)
    for ax, part in zip(axes, parts, strict=True):
        contrasted(part, ax)
    key(figure, marks(table))

    yield Panel("contrast", "What ensembles, averages and distillation gain", _CAPTION, table, figure)
