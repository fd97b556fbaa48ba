"""Figures of the findings: each takes (frame, ax) and returns the axes; those with several panels return the figure."""

from probes.analysis.plots.bounds import bounds
from probes.analysis.plots.canvas import canvas, png, svg
from probes.analysis.plots.claims import claims
from probes.analysis.plots.coverage import coverage, ensemble_error
from probes.analysis.plots.deletion import deletion, deletion_rates
from probes.analysis.plots.errors import error_rates, pairs
from probes.analysis.plots.forces import forces, forces_beside
from probes.analysis.plots.growth import growth, growth_beside
from probes.analysis.plots.lessons import lessons, rises
from probes.analysis.plots.lottery import lottery
from probes.analysis.plots.margins import confusion, kept_alive, margins
from probes.analysis.plots.matrix import matrix
from probes.analysis.plots.memorisation import error_against_coverage, memorisation
from probes.analysis.plots.settings import claims_by_setting, errors_by_setting
from probes.analysis.plots.timing import escape, phases
from probes.analysis.plots.trajectories import trajectories, trajectory_grid
from probes.analysis.plots.winners import winners

__all__ = [
    "bounds",
    "canvas",
    "claims",
    "claims_by_setting",
    "confusion",
    "coverage",
    "deletion",
    "deletion_rates",
    "ensemble_error",
    "error_against_coverage",
    "error_rates",
    "errors_by_setting",
    "escape",
    "forces",
    "forces_beside",
    "growth",
    "growth_beside",
    "kept_alive",
    "lessons",
    "lottery",
    "margins",
    "matrix",
    "memorisation",
    "pairs",
    "phases",
    "png",
    "rises",
    "svg",
    "trajectories",
    "trajectory_grid",
    "winners",
]
