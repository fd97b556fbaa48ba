"""Figures of the findings: each takes (frame, ax) and returns the axes; those with several panels return the figure."""

from probes.analysis.plots.canvas import canvas, png, svg
from probes.analysis.plots.claims import claims
from probes.analysis.plots.coverage import coverage, ensemble_error
from probes.analysis.plots.errors import error_rates, pairs
from probes.analysis.plots.growth import growth, growth_beside
from probes.analysis.plots.trajectories import trajectories, trajectory_grid
from probes.analysis.plots.winners import winners

__all__ = [
    "canvas",
    "claims",
    "coverage",
    "ensemble_error",
    "error_rates",
    "growth",
    "growth_beside",
    "pairs",
    "png",
    "svg",
    "trajectories",
    "trajectory_grid",
    "winners",
]
