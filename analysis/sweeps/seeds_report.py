"""The report of studies over seeds: claims pooled over them, each seed's own rows beside, and the sweep's figures."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import MUTED, WIDTH, canvas, key
from probes.analysis.plots.look import look
from probes.analysis.plots.marks import dot, rows_named
from probes.analysis.reports.report import Report
from probes.analysis.study import Study
from probes.analysis.sweeps.report import sweep_report
from probes.analysis.sweeps.seeds import seed_studies
from probes.analysis.theory.findings.claims import MARKS, REACH, draw, legend
from probes.analysis.theory.over_seeds import claims_by_seed, claims_over_seeds
from probes.analysis.theory.roles import kind_name

__all__ = ["draw_seeds", "draw_verdicts", "seeds_report"]

_HEIGHT = 0.27  # inches a claim


@look()
def seeds_report(root: str | Path, studies: Mapping[int, Study] | None = None) -> Report:
    """Return the report of studies over seeds, ready to be rendered.

    Args:
        root: The folder of all.
        studies: Study by seed; opened where they are not given.

    Raises:
        LogError: the folder holds no table of a sweep.
    """
    found = seed_studies(root)[0] if studies is None else studies
    pooled, rows = claims_over_seeds(found), claims_by_seed(found)
    whole = sweep_report(root)
    panels = [_pooled(pooled, rows), _verdicts(rows)] if len(pooled) else []

    return replace(
        whole,
        facts={**whole.facts, "seeds": ", ".join(map(str, found))},
        panels=[*panels, *(panel for panel in whole.panels if panel.name != "map")],
        absent={**pooled.attrs["left_out"], **whole.absent},
        claims=pooled,
        seeds=rows,
    )


def draw_seeds(pooled: pd.DataFrame, rows: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes of `draw` with the pooled claims, and a grey dot below each for what every seed measured.

    Args:
        pooled: Table of `claims_over_seeds`.
        rows: Table of `claims_by_seed`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> studies = {seed: Study(example_study(seed=seed)) for seed in (0, 5)}
        >>> ax = draw_seeds(claims_over_seeds(studies), claims_by_seed(studies), canvas(8, 4)[1][0])
        >>> ax.get_lines()[-1].get_xdata()[:2].tolist()
        [0.0, 0.0]
    """
    places = {pair: place for place, pair in enumerate(zip(pooled["claim"], pooled["variant"], strict=True))}
    heights = [places[pair] + 0.34 for pair in zip(rows["claim"], rows["variant"], strict=True)]
    draw(pooled, ax)
    ax.plot(rows["measured"].clip(*REACH), heights, "o", color=MUTED, markersize=2.8, markeredgewidth=0, clip_on=False)
    key(ax, [(Patch(facecolor=MUTED, alpha=0.35), "expected"), *legend(), (dot(MUTED, size=2.8), "single seed")])

    return ax


def draw_verdicts(rows: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with a row a claim and a column a seed: the mark of what the claim is at that seed.

    Args:
        rows: Table of `claims_by_seed`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> rows = claims_by_seed({seed: Study(example_study(seed=seed)) for seed in (0, 5)})
        >>> [label.get_text() for label in draw_verdicts(rows, canvas(8, 4)[1][0]).get_xticklabels()]
        ['0', '5']
    """
    names = [kind_name(*pair) for pair in zip(rows["claim"], rows["variant"], strict=True)]
    claims, seeds = list(dict.fromkeys(names)), sorted(rows["seed"].unique())
    places = pd.Series([claims.index(name) for name in names], index=rows.index)

    for verdict, (colour, mark) in MARKS.items():
        chosen = rows["verdict"] == verdict
        columns = rows.loc[chosen, "seed"].map(seeds.index)
        style: Literal["none", "full"] = "none" if verdict == "open" else "full"
        ax.plot(columns, places[chosen], mark, color=colour, markersize=6, fillstyle=style)
    rows_named(ax, claims)
    ax.set_xticks(range(len(seeds)), list(map(str, seeds)))
    ax.set(xlim=(-0.5, len(seeds) - 0.5), xlabel="seed")
    key(ax, legend(line=False))
    return ax


def _pooled(pooled: pd.DataFrame, rows: pd.DataFrame) -> Panel:
    figure, axes = canvas(WIDTH, 0.9 + _HEIGHT * len(pooled))
    draw_seeds(pooled, rows, axes[0])
    caption = (
        "Each claim's mean over seeds with the interval of a two-level bootstrap, seeds and what was measured in each, "
        "on the range in which it is expected. Grey dots: single seeds."
    )

    return Panel("claims", "The claims, pooled over seeds", caption, pooled, figure)


def _verdicts(rows: pd.DataFrame) -> Panel:
    claims, seeds = rows.drop_duplicates(["claim", "variant"]), rows["seed"].nunique()
    figure, axes = canvas(min(WIDTH, 4.4 + 0.3 * seeds), 0.9 + _HEIGHT * len(claims))
    draw_verdicts(rows, axes[0])
    caption = "What each claim is at every single seed, by that seed's own interval."

    return Panel("seeds", "The claims, seed by seed", caption, rows, figure)
