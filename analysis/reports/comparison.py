"""The report of several studies side by side: every claim and every error, a colour and a mark a setting."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from probes.analysis.findings.runs import runs
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import GOOD, INK, MUTED, VIEWS, WIDTH, canvas, key
from probes.analysis.plots.look import look
from probes.analysis.plots.marks import rows_named
from probes.analysis.reports.compare import beside, claims_beside, recipe_of, recipes_beside
from probes.analysis.reports.report import Report
from probes.analysis.reports.unread import unread
from probes.analysis.study import Source, Study, as_study
from probes.analysis.theory.findings.claims import REACH, claims
from probes.analysis.theory.findings.error_rates import error_rates
from probes.analysis.theory.findings.summary import summary
from probes.analysis.theory.recipe import is_theory
from probes.analysis.theory.roles import kind_name, role_order
from probes.errors import LogError

__all__ = ["comparison", "draw_claims", "draw_errors"]

_COLOURS = (*VIEWS, GOOD, INK)
_MARKS = ("o", "s", "^", "D", "v", "P", "X")
_FILLS: Mapping[str, Literal["full", "left", "none"]] = {"holds": "full", "open": "left", "fails": "none"}


@look()
def comparison(studies: Mapping[str, Source], *, title: str = "") -> Report:
    """Return a report of studies side by side: claims, means and errors of each, and what their recipes differ in.

    Args:
        studies: Each study, its logs or its path, by what to call its setting.
        title: The report's heading; made from the settings where it is "".

    Raises:
        LogError: two runs of one study have the same name, or no study is of the theory.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> found = comparison({"one": example_study(), "two": example_study(seed=5)})
        >>> found.title, [panel.name for panel in found.panels][:2]
        ('one beside two', ['claims', 'errors'])
    """
    settings = {name: as_study(source) for name, source in studies.items()}
    if any(study.usable for study in settings.values()) and not any(map(is_theory, settings.values())):
        raise LogError(
            f"expected studies of the theory to set side by side, got none among {', '.join(settings)}; analyse each "
            "by itself, or the folder above them as one study"
        )
    measured = {name: claims(study) for name, study in settings.items()}
    absent = {f"{claim} ({name})": reason for name, table in measured.items() for claim, reason in _left_out(table)}
    absent |= {f"{run} ({name})": reason for name, study in settings.items() for run, reason in unread(study).items()}
    table = claims_beside(measured)

    panels: list[Panel] = [_claims(table)] if len(table) else []
    for name, build in _PANELS.items():
        try:
            panels += [panel for panel in [build(settings)] if panel]
        except LogError as error:
            absent[name] = str(error)
    facts = {f"runs of {name}": str(len(study.logs)) for name, study in settings.items()}
    rules = {str(study.rule) for study in settings.values()}
    facts |= {"a feature is learned when": "; ".join(sorted(rules))} if rules else {}
    return Report(title or " beside ".join(settings), facts, panels, absent, table)


def draw_claims(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one row a claim: expected range as a grey band, value and 95 % interval of every setting.

    Filled marks hold, half-filled ones are open, empty ones fail. What lies beyond -0.25 or 1.05 is drawn there.

    Args:
        frame: Table of `claims_beside`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> rows = claims(example_study()).head(3)
        >>> len(draw_claims(claims_beside({"a": rows, "b": rows}), canvas(8, 4)[1][0]).get_yticks())
        3
    """
    names = [kind_name(*kind) for kind in _pairs(frame, "claim", "variant")]
    rows = {name: row for row, name in enumerate(dict.fromkeys(names))}
    table = frame.assign(row=[rows[name] for name in names])
    bands = table.drop_duplicates("row")
    low, high = bands["expected_low"].clip(lower=REACH[0]), bands["expected_high"].clip(upper=REACH[1])
    ax.barh(bands["row"], high - low, left=low, height=0.7, color=MUTED, alpha=0.3, linewidth=0)

    for place, (_, part) in enumerate(table.groupby("setting", sort=False)):
        heights, colour = part["row"] + _offset(place, frame["setting"].nunique()), _COLOURS[place % len(_COLOURS)]
        ax.hlines(heights, part["low"].clip(*REACH), part["high"].clip(*REACH), color=colour)
        for verdict, fill in _FILLS.items():
            chosen = part["verdict"] == verdict
            if not chosen.any():  # a line without points would be drawn at the corner of the figure
                continue
            values = part.loc[chosen, "measured"].clip(*REACH)
            ax.plot(
                values,
                heights[chosen],
                _MARKS[place % len(_MARKS)],
                color=colour,
                fillstyle=fill,
                markersize=5,
                clip_on=False,
            )
    _name_rows(ax, rows, "error or gain in units of μ, or share")
    ax.set_xlim(*REACH)
    band = (Patch(facecolor=MUTED, alpha=0.3), "expected")
    said = [(Line2D([], [], color=INK, marker="o", fillstyle=fill), said) for said, fill in _FILLS.items()]
    key(ax, [band, *_names(frame), *said], columns=1 + frame["setting"].nunique())
    return ax


def draw_errors(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one row a role (and variant) and one mark a run: test error in units of each study's mu.

    Args:
        frame: Columns setting, role, variant and error.
        ax: Where to draw.

    Example:
        >>> errors = pd.DataFrame({"setting": ["a", "b"], "role": "single", "variant": "", "error": [0.5, 0.4]})
        >>> draw_errors(errors, canvas(6, 3)[1][0]).get_yticklabels()[0].get_text()
        'single'
    """
    kinds = sorted(set(_pairs(frame, "role", "variant")), key=lambda kind: role_order(*kind))

    for place, (_, part) in enumerate(frame.groupby("setting", sort=False)):
        colour, mark = _COLOURS[place % len(_COLOURS)], _MARKS[place % len(_MARKS)]
        heights = [
            kinds.index(kind) + _offset(place, frame["setting"].nunique()) for kind in _pairs(part, "role", "variant")
        ]
        ax.plot(part["error"], heights, mark, color=colour, alpha=0.5, markersize=5, markeredgewidth=0)
        means = part.assign(height=heights).groupby("height")["error"].mean()
        ax.plot(means, means.index, "|", color=colour, markersize=12, markeredgewidth=2)

    _name_rows(ax, (kind_name(*kind) for kind in kinds), "test error (units of μ)")
    ax.set_xlim(left=min(-0.01, ax.get_xlim()[0]))
    key(ax, _names(frame))
    return ax


def _claims(table: pd.DataFrame) -> Panel:
    rows = len(table.drop_duplicates(["claim", "variant"]))
    figure, axes = canvas(WIDTH, 0.9 + 0.16 * rows * (1 + table["setting"].nunique()) / 1.6)
    draw_claims(table, axes[0])
    caption = (
        "Each claim's measured value in every setting, with its 95 % interval, on the range in which it is expected."
    )

    return Panel("claims", "The claims, setting by setting", caption, table, figure)


def _errors(settings: Mapping[str, Study]) -> Panel | None:
    tables = {name: error_rates(study) for name, study in settings.items()}
    table = beside({name: rates[rates["measure"] == "test_error_mu"] for name, rates in tables.items()})
    if not len(table):
        return None

    kinds = len(table.groupby(["role", "variant"]))
    figure, axes = canvas(WIDTH, 0.9 + 0.25 * kinds * (1 + table["setting"].nunique()) / 2)
    draw_errors(table, axes[0])
    caption = (
        "Test error in units of each study's own μ: error on single-view samples + (1 - μ)/μ times error on multi-view "
        "samples; a tie is wrong. One mark a run, a bar at the mean."
    )
    return Panel("errors", "How wrong each network is, setting by setting", caption, table, figure)


def _summary(settings: Mapping[str, Study]) -> Panel | None:
    table = beside({name: summary(study) for name, study in settings.items()})
    caption = "Means over the runs of each role: errors as rates and in μ, and the share of all features learned."

    return Panel("summary", "What each role ends with", caption, table, opened=True) if len(table) else None


def _recipes(settings: Mapping[str, Study]) -> Panel | None:
    table = recipes_beside({name: recipe_of(study.logs) for name, study in settings.items()})
    same = (
        "The recipes are the same."
        if table.empty
        else "Keys of the recipes that differ; empty where one has no such key."
    )

    return Panel("recipes", "What the recipes differ in", same, table, opened=True)


def _runs(settings: Mapping[str, Study]) -> Panel | None:
    table = beside({name: runs(study) for name, study in settings.items()})

    return Panel("runs", "Every run", "Runs that diverged or failed are in no finding.", table)


def _left_out(table: pd.DataFrame) -> list[tuple[str, str]]:
    return list(table.attrs["left_out"].items())


def _name_rows(ax: Axes, names: Iterable[str], label: str) -> None:
    rows_named(ax, list(names), edge=0.6)
    ax.set_xlabel(label)
    ax.axvline(0, color=INK, linewidth=0.5, zorder=0)


def _names(frame: pd.DataFrame) -> Sequence[tuple[Artist, str]]:
    return [
        (Line2D([], [], color=_COLOURS[place % len(_COLOURS)], marker=_MARKS[place % len(_MARKS)]), str(setting))
        for place, setting in enumerate(frame["setting"].unique())
    ]


def _offset(place: int, count: int) -> float:
    return 0.5 * ((place + 0.5) / count - 0.5)


def _pairs(frame: pd.DataFrame, first: str, second: str) -> Sequence[tuple[str, str]]:
    return list(zip(frame[first].astype(str), frame[second].astype(str), strict=True))


_PANELS: Mapping[str, Callable[[Mapping[str, Study]], Panel | None]] = {
    "how wrong each network is": _errors,
    "what each role ends with": _summary,
    "what the recipes differ in": _recipes,
    "every run": _runs,
}
