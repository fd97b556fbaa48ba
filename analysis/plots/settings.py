"""Studies side by side: every claim and every error, a colour and a mark a setting."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from probes.analysis.columns import ROLES, variant_order
from probes.analysis.plots.canvas import GOOD, INK, MUTED, VIEWS, key

__all__ = ["claims_by_setting", "errors_by_setting"]

_COLOURS = (*VIEWS, GOOD, INK)
_MARKS = ("o", "s", "^", "D", "v", "P", "X")
_LEFT, _RIGHT = -0.25, 1.05


def claims_by_setting(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one row a claim: expected range as a grey band, value and 95 % interval of every setting.

    Filled marks hold, open ones do not. What lies beyond -0.25 or 1.05 is drawn there.

    Args:
        frame: Table of `claims_beside`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis import claims, claims_beside, example_study
        >>> from probes.analysis.plots import canvas
        >>> rows = claims(example_study()).head(3)
        >>> len(claims_by_setting(claims_beside({"a": rows, "b": rows}), canvas(8, 4)[1][0]).get_yticks())
        3
    """
    names = [f"{claim} ({variant})" if variant else claim for claim, variant in _pairs(frame, "claim", "variant")]
    rows = {name: row for row, name in enumerate(dict.fromkeys(names))}
    table = frame.assign(row=[rows[name] for name in names])
    bands = table.drop_duplicates("row")
    low, high = bands["expected_low"].clip(lower=_LEFT), bands["expected_high"].clip(upper=_RIGHT)
    ax.barh(bands["row"], high - low, left=low, height=0.7, color=MUTED, alpha=0.3, linewidth=0)

    for place, (_, part) in enumerate(table.groupby("setting", sort=False)):
        heights, colour = part["row"] + _offset(place, frame["setting"].nunique()), _COLOURS[place % len(_COLOURS)]
        ax.hlines(heights, part["low"].clip(_LEFT, _RIGHT), part["high"].clip(_LEFT, _RIGHT), color=colour)
        for holds, face in {True: colour, False: "none"}.items():
            chosen = part["holds"] == holds
            values = part.loc[chosen, "measured"].clip(_LEFT, _RIGHT)
            ax.plot(
                values,
                heights[chosen],
                _MARKS[place % len(_MARKS)],
                color=colour,
                markerfacecolor=face,
                markersize=5,
                clip_on=False,
            )
    _rows(ax, list(rows), "error or gain in units of μ, or share")
    ax.set_xlim(_LEFT, _RIGHT)
    band = (Patch(facecolor=MUTED, alpha=0.3), "expected")
    key(ax, [band, *_names(frame), (Line2D([], [], color=INK, marker="o", markerfacecolor="none"), "does not hold")])
    return ax


def errors_by_setting(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one row a role (and variant) and one mark a run: test error in units of each study's mu.

    Args:
        frame: Columns setting, role, variant and error.
        ax: Where to draw.

    Example:
        >>> from probes.analysis.plots import canvas
        >>> errors = pd.DataFrame({"setting": ["a", "b"], "role": "single", "variant": "", "error": [0.5, 0.4]})
        >>> errors_by_setting(errors, canvas(6, 3)[1][0]).get_yticklabels()[0].get_text()
        'single'
    """
    kinds = sorted(set(_pairs(frame, "role", "variant")), key=_place)

    for place, (_, part) in enumerate(frame.groupby("setting", sort=False)):
        colour, mark = _COLOURS[place % len(_COLOURS)], _MARKS[place % len(_MARKS)]
        heights = [
            kinds.index(kind) + _offset(place, frame["setting"].nunique()) for kind in _pairs(part, "role", "variant")
        ]
        ax.plot(part["error"], heights, mark, color=colour, alpha=0.5, markersize=5, markeredgewidth=0)
        means = part.assign(height=heights).groupby("height")["error"].mean()
        ax.plot(means, means.index, "|", color=colour, markersize=12, markeredgewidth=2)

    _rows(ax, [f"{role} ({variant})" if variant else role for role, variant in kinds], "test error (units of μ)")
    ax.set_xlim(left=min(-0.01, ax.get_xlim()[0]))
    key(ax, _names(frame))
    return ax


def _rows(ax: Axes, names: Sequence[str], label: str) -> None:
    ax.set_yticks(range(len(names)), list(names))
    ax.set(ylim=(len(names) - 0.4, -0.6), xlabel=label)
    ax.axvline(0, color=INK, linewidth=0.5, zorder=0)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)


def _names(frame: pd.DataFrame) -> Sequence[tuple[Artist, str]]:
    return [
        (Line2D([], [], color=_COLOURS[place % len(_COLOURS)], marker=_MARKS[place % len(_MARKS)]), str(setting))
        for place, setting in enumerate(frame["setting"].unique())
    ]


def _offset(place: int, count: int) -> float:
    return 0.5 * ((place + 0.5) / count - 0.5)


def _pairs(frame: pd.DataFrame, first: str, second: str) -> Sequence[tuple[str, str]]:
    return list(zip(frame[first].astype(str), frame[second].astype(str), strict=True))


def _place(kind: tuple[str, str]) -> tuple[int, int, str]:
    """Return the key that sorts roles as in the theory, and their variants."""
    role, variant = kind

    return (ROLES.index(role) if role in ROLES else len(ROLES), *variant_order(role, variant))
