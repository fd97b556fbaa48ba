"""The test errors of all runs by role, and of self-distilled pairs beside what their union leaves uncovered."""

import pandas as pd
from matplotlib.axes import Axes

from probes.analysis.columns import ROLES, variant_order
from probes.analysis.plots.canvas import INK, MUTED, VIEWS

__all__ = ["error_rates", "pairs"]


def error_rates(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one row a role (and variant) and one dot a run: test error in units of mu.

    Args:
        frame: Table of `error_rates`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis import error_rates as table
        >>> from probes.analysis.theory.example import example_study
        >>> from probes.analysis.plots import canvas
        >>> error_rates(table(example_study()), canvas(6, 3)[1][0]).get_yticklabels()[0].get_text()
        'single'
    """
    tests = frame[frame["measure"] == "test_error_mu"]
    kinds = sorted(set(zip(tests["role"], tests["variant"], strict=True)), key=_place)

    for row, (role, variant) in enumerate(kinds):
        errors = tests.loc[(tests["role"] == role) & (tests["variant"] == variant), "error"]
        ax.plot(errors, [row] * len(errors), "o", color=VIEWS[0], alpha=0.5, markersize=5, markeredgewidth=0)
        ax.plot(errors.mean(), row, "|", color=INK, markersize=14, markeredgewidth=1.6)

    ax.set_yticks(range(len(kinds)), [f"{role} ({variant})" if variant else role for role, variant in kinds])
    ax.set(ylim=(len(kinds) - 0.5, -0.5), xlabel="test error (units of μ)")
    ax.set_xlim(left=-0.01)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return ax


def pairs(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with measured error against uncovered share, one dot a pair, and the line where they are equal.

    Args:
        frame: Table of `pairs`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis import pairs as table
        >>> from probes.analysis.theory.example import example_study
        >>> from probes.analysis.plots import canvas
        >>> pairs(table(example_study()), canvas(3, 3)[1][0]).get_aspect()
        1.0
    """
    reach = 1.08 * max(0.5, frame["error_mu"].max(), frame["uncovered"].max())
    ax.plot([0, reach], [0, reach], color=MUTED, linewidth=1)

    for place, variant in enumerate(frame["variant"].unique()):
        part, colour = frame[frame["variant"] == variant], VIEWS[place % len(VIEWS)]
        ax.vlines(part["uncovered"], part["uncovered"] + part["low"], part["uncovered"] + part["high"], color=colour)
        ax.plot(part["uncovered"], part["error_mu"], "o", color=colour, markersize=5, label=str(variant))

    ax.set(xlim=(0, reach), ylim=(0, reach), aspect="equal")
    ax.set(xlabel="share of features the union leaves uncovered", ylabel="test error (units of μ)")
    ax.legend(frameon=False, loc="upper left", handletextpad=0.2, fontsize=8, labelcolor=INK)
    return ax


def _place(kind: tuple[str, str]) -> tuple[int, int, str]:
    """Return the key that sorts roles as in the theory, and their variants."""
    role, variant = kind

    return (ROLES.index(role) if role in ROLES else len(ROLES), *variant_order(role, variant))
