"""The report's figures of a study on Gaussian inputs."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import canvas
from probes.analysis.plots.inputs import first_layer as draw_first_layer
from probes.analysis.plots.inputs import learners
from probes.analysis.theory.evidence import Evidence
from probes.analysis.theory.inputs.first_layer import first_layer
from probes.analysis.theory.inputs.inputs import inputs

__all__ = ["INPUT_PANELS"]

_WIDTH = 7.6


def _learners(evidence: Evidence) -> Panel | None:
    table = inputs(evidence.logs)
    figure, axes = canvas(_WIDTH, 0.9 + 0.33 * len(table), columns=2, sharey=True)
    learners(table, axes)
    caption = (
        "What is gained in test error on single networks by their ensembles, the mean of their logits, and by averages "
        "that were trained together; and the variance of softmax outputs over networks, mean over test "
        "samples. Bands: one point, which counts as no gain; grey marks: what M independent networks would give, 1/M. "
        f"Bars: 95 % over {table['n'].max():,} test samples, sample by sample."
    )
    return Panel("inputs", "What an ensemble gains, and how much less it varies", caption, table, figure)


def _first_layer(evidence: Evidence) -> Panel | None:
    table = first_layer(evidence.logs)
    if table.empty:
        return None

    figure, (ax,) = canvas(3.8, 2.8)
    draw_first_layer(table, ax)
    source = evidence.logs[0].directions("first.weight").facts.get("source", "known directions")
    caption = (
        f"For every direction ({source}) the largest cosine that a neuron of the first layer has with it, mean over "
        "directions; one line a single network. Grey: the same of as many random directions."
    )
    return Panel("first_layer", "What the first layer finds", caption, table, figure)


def _runs(evidence: Evidence) -> Panel | None:
    return Panel("runs", "Every run", "Runs that diverged or failed are in no finding.", evidence.runs)


# By what a report calls them where they cannot be made.
INPUT_PANELS: Mapping[str, Callable[[Evidence], Panel | None]] = MappingProxyType({
    "single networks, ensembles and trained averages": _learners,
    "the first layer": _first_layer,
    "every run": _runs,
})
