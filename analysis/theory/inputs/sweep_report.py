"""The report of a sweep over Gaussian inputs."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import canvas, key
from probes.analysis.plots.inputs import against_single, gains, legend_of, ratios
from probes.analysis.reports.report import Report
from probes.analysis.sweeps.table import axes_of, sweep_table
from probes.analysis.theory.evidence import Evidence
from probes.analysis.theory.findings.claims import claims_of
from probes.analysis.theory.inputs.map import inputs_map, over_seeds, settings_of

__all__ = ["inputs_report"]

_WIDTH = 7.6
_COLOURS = 4
_SEEDS = (
    "Means over seeds, which draw teacher, inputs and networks anew. Bars: 95 % intervals, Student's t over three "
    "seeds or more, else over test samples."
)


def inputs_report(root: str | Path) -> Report:
    """Return the report of a sweep over Gaussian inputs, ready to be rendered.

    Args:
        root: The sweep's folder.

    Raises:
        LogError: If the folder holds no table of a sweep.
    """
    table, frame = sweep_table(root), inputs_map(root)
    panels = list(_panels(frame)) if len(frame) else []
    panels += [Panel("points", "Every point", "Values, seed, and how the recording ended.", table, opened=True)]

    counts = table["status"].value_counts()
    facts = {"points": ", ".join(f"{count} {status}" for status, count in counts.items())}
    facts |= {name: ", ".join(map(str, sorted(frame[name].unique()))) for name in axes_of(table) if name in frame}
    facts["seeds"] = str(table["seed"].nunique())
    return Report(Path(root).resolve().name, facts, claims_of(Evidence([])), panels, frame.attrs["left_out"])


def _panels(frame: pd.DataFrame) -> Iterator[Panel]:
    found = over_seeds(frame)
    summary = settings_of(found)
    yield _diagonal(found, summary)
    yield _rows(found)

    told = f"The gain is none, at most a point or with 0 in its interval, in {summary['none'].sum()} of {len(summary)}."
    yield Panel("settings", "Every setting", f"{_SEEDS} {told}", summary, opened=True)
    yield Panel("measures", "Every point's measures", "One row per (point, learner).", frame)


def _diagonal(found: pd.DataFrame, summary: pd.DataFrame) -> Panel:
    """Return single networks against ensemble and trained average, one dot a setting."""
    largest = found.sort_values("networks", kind="stable").drop_duplicates(["setting", "learner"], keep="last")
    single = largest[largest["learner"] == "single"].set_index("setting")["error"]
    by, marks = _colours(found)
    table = largest[largest["learner"] != "single"]
    table = table.assign(single=table["setting"].map(single), colour=by[table.index], mark=marks[table.index])

    drawn = [learner for learner in ("ensemble", "average") if (table["learner"] == learner).any()]
    figure, axes = canvas(_WIDTH / 2 * len(drawn), 4.2, columns=len(drawn))
    for ax, learner in zip(axes, drawn, strict=True):
        against_single(table, ax, learner=learner, by="colour", marks="mark")
    key(figure, legend_of(table, "colour", "mark"), columns=3)
    caption = (
        f"One dot a setting, means over seeds; the band is one point of error to either side of equality. In "
        f"{summary['none'].sum()} of {len(summary)} the ensemble gains a point at most, or 0 is in its interval."
    )
    return Panel("errors", "The ensemble's error against that of its networks", caption, table, figure)


def _rows(found: pd.DataFrame) -> Panel:
    """Return gain and variance of every setting, a row each."""
    smaller = found[found["variance_ratio"].notna() & (found["learner"] != "single")]
    larger = found.sort_values("networks", kind="stable").drop_duplicates(["setting", "learner"], keep="last")
    count = found["setting"].nunique()
    figure, axes = canvas(_WIDTH, 0.9 + 0.22 * count, columns=2, sharey=True)
    gains(larger[larger["learner"] != "single"].sort_index(), axes[0])
    ratios(smaller, axes[1])
    caption = (
        "Left: the error of single networks less that of their ensemble (blue) and of trained averages (orange); grey: "
        f"one point. Right: variance of their outputs; dashed: 1/M, for M independent networks. {_SEEDS}"
    )
    return Panel("gains", "Gain in error, and variance of outputs", caption, found, figure)


def _colours(found: pd.DataFrame) -> tuple["pd.Series[str]", "pd.Series[str]"]:
    """Return what colours and marks stand for, of each row: numbers of a setting, and the first of its kinds."""
    words = found["setting"].str.split(", ")
    numbered = words.map(
        lambda parts: ", ".join(part for part in parts if part[-1].isdigit()) or "neither noise nor margin"
    )
    if numbered.nunique() > _COLOURS:
        numbered = numbered.str.split(", ").str[0]

    return numbered, words.map(lambda parts: next((part for part in parts if not part[-1].isdigit()), "all"))
