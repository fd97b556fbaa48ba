"""Coverage and ensemble error against the number of members, beside a fair coin and what the runs let one predict."""

import pandas as pd
from matplotlib.axes import Axes

from probes.analysis.plots.canvas import INK, MUTED, VIEWS

__all__ = ["coverage", "ensemble_error"]


def coverage(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with the share of features that K members cover, and the line 1 - 2^-K.

    A dash is the coverage that each class's own chance gives, as the runs have it, and a band its credible interval.

    Args:
        frame: Table of `coverage`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis import coverage as table
        >>> from probes.analysis.theory.example import example_study
        >>> from probes.analysis.plots import canvas
        >>> coverage(table(example_study()), canvas(4, 3)[1][0]).get_xlabel()
        'members K'
    """
    ax.fill_between(
        frame["members"], frame["predicted_low"], frame["predicted_high"], color=MUTED, alpha=0.2, linewidth=0
    )
    _draw(frame, "coverage", frame["expected"], ax)
    _dashes(frame, "predicted_coverage", ax)
    _name_line(ax, "$1 - 2^{-K}$", frame["members"], frame["expected"], (6, -12))

    ax.set(ylabel="share of features covered", ylim=(min(0.4, frame["coverage_low"].min()), 1.03))
    return ax


def ensemble_error(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with the test error of ensembles of K members in units of mu, and the line 2^-K.

    A dash is the error that follows from the features that an ensemble does not cover.

    Args:
        frame: Table of `coverage`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis import coverage as table
        >>> from probes.analysis.theory.example import example_study
        >>> from probes.analysis.plots import canvas
        >>> ensemble_error(table(example_study()), canvas(4, 3)[1][0]).get_xlabel()
        'members K'
    """
    _draw(frame, "error_mu", 1 - frame["expected"], ax)
    _dashes(frame, "error_predicted_mu", ax)
    _name_line(ax, "$2^{-K}$", frame["members"], 1 - frame["expected"], (6, 4))

    ax.set(ylabel="ensemble's test error (units of μ)")
    ax.set_ylim(bottom=-0.015)
    return ax


def _draw(frame: pd.DataFrame, name: str, expected: "pd.Series[float]", ax: Axes) -> None:
    """Draw the line, and means with the central 95 % of the ensembles."""
    ax.plot(frame["members"], expected, color=MUTED, linewidth=1, zorder=1)
    ax.vlines(frame["members"], frame[f"{name}_low"], frame[f"{name}_high"], color=VIEWS[0], linewidth=1.2)
    ax.plot(frame["members"], frame[name], "o", color=VIEWS[0], markersize=4.5)

    most = int(frame["members"].max())
    ax.set(
        xlabel="members K", xlim=(0.5, most + 0.5), xticks=range(1, most + 1) if most <= 12 else range(0, most + 1, 5)
    )


def _dashes(frame: pd.DataFrame, name: str, ax: Axes) -> None:
    ax.plot(frame["members"], frame[name], "_", color=INK, markersize=11, markeredgewidth=1.6, zorder=3)


def _name_line(
    ax: Axes, name: str, members: "pd.Series[int]", values: "pd.Series[float]", offset: tuple[float, float]
) -> None:
    """Write a line's name beside its second point, where it bends."""
    place = min(1, len(members) - 1)

    ax.annotate(
        name, (members.iloc[place], values.iloc[place]), offset, textcoords="offset points", color=MUTED, fontsize=9
    )
