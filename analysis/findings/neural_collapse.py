"""How far the last features and weights of a classifier have collapsed: NC1 to NC4, step by step."""

import math

import pandas as pd

from probes.analysis.findings.recorded import named, tidy
from probes.analysis.findings.scalars import draw
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import GOOD, VIEWS, WIDTH, canvas, key, stroke
from probes.analysis.study import Study, finding
from probes.errors import LogError

__all__ = ["COLUMNS", "neural_collapse", "neural_collapse_ends", "panel"]

COLUMNS = {
    "batch": "name of the probe batch; empty where it has none",
    "measure": "nc1, nc2 of norms and of angles, nc3 or nc4; each goes to 0 in a collapse",
    "step": "number of completed optimizer updates",
    "value": "the number",
    "first_step": "first step at which it was measured",
    "first": "the value there",
    "last_step": "last step at which it was measured",
    "last": "the value there",
    "smallest": "smallest value at any step looked at",
}

_KIND = "neural_collapse"  # of the series, whose name ends with that of the batch
_MOST = 10_000  # values of a run
_ACROSS, _BATCHES = 4, 3


@finding
def neural_collapse(study: Study) -> pd.DataFrame:
    """Return one row per (run, batch, step, measure) of what `probes.quantities.neural_collapse` recorded.

    Its docstring defines the measures, after Papyan, Han & Donoho 2020; at up to 201 steps a run.

    Args:
        study: A study, logs, or a path.

    Raises:
        LogError: no run has recorded them.

    Example:
        >>> from probes.log import Manifest, Series, memory_log
        >>> series = Series("neural_collapse", ("measure",), (1,), labels={"measure": ("nc1",)}, quantity=_KIND)
        >>> neural_collapse(memory_log(Manifest("a", (series,)), [0, 5], {"neural_collapse": [[2.0], [0.5]]}))
          run role variant batch  step measure  value
        0   a                        0     nc1    2.0
        1   a                        5     nc1    0.5
    """
    known = named(study, _KIND)
    if not known:
        raise LogError(
            "expected NC1 to NC4 recorded with the runs, got none; record them by "
            "`probes.quantities.neural_collapse(layer, batch)`"
        )
    tables = [
        tidy(log, name, most=_MOST).assign(
            run=log.label,
            role=log.manifest.role,
            variant=log.manifest.variant,
            batch=name.removeprefix(_KIND).removeprefix("."),
        )
        for name, logs in known.items()
        for log in logs
    ]

    found = pd.concat(tables, ignore_index=True)
    found.attrs.clear()
    return found[["run", "role", "variant", "batch", "step", "measure", "value"]]


@finding
def neural_collapse_ends(study: Study) -> pd.DataFrame:
    """Return one row per (run, batch, measure): what it begins with, what it ends with, and the smallest on the way.

    Args:
        study: A study, logs, or a path.

    Raises:
        LogError: no run has recorded them.

    Example:
        >>> from probes.log import Manifest, Series, memory_log
        >>> series = Series("neural_collapse", ("measure",), (1,), labels={"measure": ("nc1",)}, quantity=_KIND)
        >>> log = memory_log(Manifest("a", (series,)), [0, 5], {"neural_collapse": [[2.0], [0.5]]})
        >>> neural_collapse_ends(log)[["measure", "first", "last_step", "last"]].values.tolist()
        [['nc1', 2.0, 5, 0.5]]
    """
    table = neural_collapse(study).sort_values("step", kind="stable")
    groups = table.groupby(["run", "role", "variant", "batch", "measure"], sort=False)
    ends = {"first_step": ("step", "min"), "last_step": ("step", "max"), "smallest": ("value", "min")}
    found = groups.agg(**ends)

    first, last = groups.head(1), groups.tail(1)
    names = found.index.names
    found["first"], found["last"] = first.set_index(names)["value"], last.set_index(names)["value"]
    return found.reset_index()[[*names, "first_step", "first", "last_step", "last", "smallest"]]


def panel(study: Study) -> Panel | None:
    """Return the panel of NC1 to NC4 over the steps, every measure by itself; None where no run has recorded them."""
    if not named(study, _KIND):
        return None
    table = neural_collapse(study)
    measures = table[["batch", "measure"]].drop_duplicates()
    batches = measures["batch"].drop_duplicates().tolist()[:_BATCHES]
    cells = [tuple(row) for row in measures[measures["batch"].isin(batches)].itertuples(index=False)]
    students = {log.label for log in study.students}

    rows = math.ceil(len(cells) / _ACROSS)
    figure, axes = canvas(WIDTH, 0.5 + 1.7 * rows, rows=rows, columns=min(_ACROSS, len(cells)))
    for ax, (batch, measure) in zip(axes, cells, strict=False):
        part = table[(table["batch"] == batch) & (table["measure"] == measure)].dropna(subset=["value"])
        draw(part, ax, students=students, title=": ".join(filter(None, [batch, _said(measure)])))
    for ax in axes[len(cells) :]:
        ax.set_axis_off()
    if students:
        key(figure, [(stroke(VIEWS[0]), "runs without teachers"), (stroke(GOOD), "students")])
    caption = (
        "NC1 (variability within classes), NC2 (norms and angles of class means and of weights), NC3 (weights against "
        "means) and NC4 (samples put into another class than that of the nearest mean) against the step; all go to 0 "
        f"in a collapse. One thin line a run, bold their median. {_ends(study, batches[0])}"
    )
    return Panel("neural_collapse", "How far the last layer has collapsed", caption, table, figure)


def panel_of_ends(study: Study) -> Panel | None:
    """Return the panel of what each run begins and ends with, a table; None where no run has recorded them."""
    if not named(study, _KIND):
        return None
    table = neural_collapse_ends(study)
    steps = table["last_step"]
    span = " to ".join(dict.fromkeys([f"{steps.min():,}", f"{steps.max():,}"]))

    caption = f"The measures of {table['run'].nunique()} runs at their first and last step, {span}."
    return Panel("neural_collapse_ends", "What the last layer begins and ends with", caption, table)


PANELS = (panel, panel_of_ends)


def _ends(study: Study, batch: str) -> str:
    """Say what the runs begin and end with, as medians over runs."""
    table = neural_collapse_ends(study)
    medians = table[table["batch"] == batch].groupby("measure", sort=False)[["first", "last"]].median().dropna()
    parts = [f"{_said(str(name))} {row['first']:.3g} to {row['last']:.3g}" for name, row in medians.iterrows()]

    return f"From the first to the last step, medians over runs: {', '.join(parts) or 'unknown'}."


def _said(measure: str) -> str:
    """Return a measure's name in words: ``NC2 norms of means``."""
    first, _, rest = measure.partition("_")

    return f"{first.upper()} {rest.replace('_', ' ')}".strip()
