r"""Which feature each unit carries: the largest share of its energy, against the exact law of a random direction.

A unit's weight vector w, projected on the span of the directions (D dimensions), has the energy
:math:`E = c^T G^+ c`, with c its correlations and G the Gram matrix of the directions; a feature of C components f has
:math:`E_f = c_f^T G_{ff}^{-1} c_f`. For a random direction of the span :math:`E_f / E` is distributed as
:math:`\mathrm{Beta}(C/2, (D-C)/2)`; of a unit's largest share over F features, and of N units, the p-value is at most
F N times the upper tail there (Bonferroni).
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy import stats

from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import INK, MUTED, VIEWS, WIDTH, canvas, key, stroke
from probes.analysis.plots.marks import rows_named
from probes.analysis.study import Study, finding
from probes.analysis.taps.tap import Tap, called
from probes.errors import LogError
from probes.log.protocol import LogLike

__all__ = ["COLUMNS", "SIGNIFICANT", "carriers", "draw", "panel", "shares", "specialisation"]

COLUMNS = {
    "share": "share of the unit's energy in the directions' span in this feature, its largest, at the last step",
    "null": "what the largest share of a random direction exceeds in 1 % of as many units and features",
    "unit_p_value": "chance that one random unit has a share so large in one of as many features, at most",
    "p_value": "chance that one of as many random units has a share so large in one of as many features, at most",
    "specialised": "whether p_value < 0.01",
    "first_share": "largest share at step 0",
    "same_as_first": "whether that was of the same feature",
}

SIGNIFICANT, ONE_UNIT = 0.01, 0.05  # of all units together, and of one by itself
_RUNS = 40  # that a figure shows
# Multiplications beyond which the span of so many directions would take minutes.
_MOST_WORK = 2e11


@finding
def specialisation(study: Study, tap: str | None = None) -> pd.DataFrame:
    """Return one row per (run, unit) at the run's last step: the feature that has the largest share of its energy.

    Directions that overlap share energy: the shares of two features may add up to more than 1, and each is still that
    of a random direction by chance.

    Args:
        study: A study, logs, or a path.
        tap: The series; the only one, or "correlations", where it is not given.

    Raises:
        LogError: there is no such tap, its directions or its units were not recorded, or they span one feature only.

    Example:
        >>> from probes.log import Manifest, Series, StoredDirections, memory_log
        >>> series = Series("w", ("neuron", "feature"), (2, 20))
        >>> values = np.stack([np.ones((2, 20)), np.eye(20)[:2] * 3])
        >>> directions = StoredDirections(("feature",), np.eye(20))
        >>> log = memory_log(Manifest("a", (series,)), [0, 9], {"w": values}, directions=directions)
        >>> specialisation(log)[["neuron", "feature", "share", "specialised"]].values.tolist()
        [[0, 0, 1.0, True], [1, 1, 1.0, True]]
    """
    chosen = study.tap(tap)
    _check(chosen)
    tables = [_run(log, study.tap_of(log, chosen.name)) for log in study.with_tap(chosen)]

    return pd.concat(tables, ignore_index=True)


def carriers(table: pd.DataFrame, tap: Tap) -> pd.DataFrame:
    """Return one row per (run, feature) that is carried: how many specialised units have it as their largest share.

    Args:
        table: Table of `specialisation`.
        tap: Its tap.

    Example:
        >>> table = pd.DataFrame({"run": "a", "feature": [0, 0, 1], "specialised": [True, True, False]})
        >>> carriers(table, Tap("w", ("neuron",), (3,), ("feature",), (2,))).values.tolist()
        [['a', 0, 2]]
    """
    known = table[table["specialised"].astype(bool)]

    return known.groupby(["run", *tap.axis_columns], observed=True).size().rename("units").reset_index()


def shares(values: NDArray[np.floating], tap: Tap) -> NDArray[np.float64]:
    """Return the share of every unit's energy in the directions' span that lies in each feature, ``(unit, feature)``.

    Args:
        values: One row of the series, ``(*dims)``.
        tap: The tap; its directions say how they overlap.
    """
    correlations = _by_component(values, tap)
    flat = correlations.reshape(len(correlations), -1)
    total = np.square(flat @ tap.inverse.T).sum(axis=1)

    own = np.linalg.pinv(tap.vectors @ tap.vectors.transpose(0, 2, 1))
    energy = np.einsum("ufc,fcd,ufd->uf", correlations, own, correlations, optimize=True)
    return np.asarray(np.divide(energy, total[:, None], out=np.zeros_like(energy), where=total[:, None] > 0))


def _check(tap: Tap) -> None:
    if not tap.units or "rank" in tap.units or tap.directions is None:
        missing = "directions" if tap.directions is None else "units"
        raise LogError(
            f"expected the {missing} of `{tap.name}` in the log, got a series recorded without; record the tap whole"
        )
    rows, dim = tap.features * tap.components, tap.vectors.shape[-1]
    if float(rows) * dim * min(rows, dim) > _MOST_WORK:
        raise LogError(f"expected fewer directions than {rows:,} of dim {dim:,}, whose span would take minutes to find")
    if tap.span <= tap.components:
        raise LogError(
            f"expected directions of more than one feature, got a span of {tap.span} dimensions in `{tap.name}`, "
            "in which every unit has all of its energy"
        )


def _run(log: LogLike, tap: Tap) -> pd.DataFrame:
    first, last = (np.nan_to_num(shares(log[tap.name][row], tap)) for row in (0, len(log.steps) - 1))
    at, before = last.argmax(axis=1), first.argmax(axis=1)
    largest = last.max(axis=1)
    looked_at = last.size
    law = stats.beta(tap.components / 2, (tap.span - tap.components) / 2)
    tail = law.sf(np.minimum(largest, 1))
    p = np.minimum(1, looked_at * tail)

    rows = tap.index.iloc[at].reset_index(drop=True).set_axis(list(tap.axis_columns), axis=1)
    who = {"run": log.label, "role": log.manifest.role, "variant": log.manifest.variant}
    started = log.steps[0] == 0
    columns = [*who, "step", *tap.unit_columns, *tap.axis_columns]
    return (
        tap.unit_index
        .join(rows)
        .assign(**who, step=int(log.steps[-1]))[columns]
        .assign(
            share=largest,
            null=float(law.isf(SIGNIFICANT / looked_at)),
            unit_p_value=np.minimum(1, tap.features * tail),
            p_value=p,
            specialised=p < SIGNIFICANT,
            first_share=first.max(axis=1) if started else np.nan,
            same_as_first=pd.array((at == before).tolist() if started else [None] * len(at), dtype="boolean"),
        )
    )


def _by_component(values: NDArray[np.floating], tap: Tap) -> NDArray[np.float64]:
    """Return a row of the series as ``(unit, feature, component)``."""
    row = np.asarray(values, dtype=float)
    if tap.component:
        row = np.moveaxis(row, len(tap.units) + tap.component_place, -1)

    return row.reshape(int(np.prod(tap.unit_shape)), tap.features, tap.components)


def panel(study: Study, tap: Tap) -> Panel:
    """Return the panel of which feature each unit carries."""
    table = specialisation(study, tap.name)
    order = [log.label for log in (*study.members, *study.students)]
    known = table["run"].unique().tolist()
    runs = [run for run in (*order, *(one for one in known if one not in order)) if run in known][:_RUNS]

    figure, axes = canvas(WIDTH, max(2.8, 1 + 0.2 * len(runs)), columns=2, width_ratios=(2, 3))
    draw(table, axes[0])
    counts = carriers(table[table["run"].isin(runs)], tap)
    _grid(counts, runs, axes[1], tap)
    single = (table["unit_p_value"] < ONE_UNIT).mean()
    special = table["specialised"].astype(bool)
    first = table.loc[special, "same_as_first"].dropna()
    kept = f" {first.mean():.0%} of them had their largest share in the same feature at step 0." if len(first) else ""
    carried = counts.groupby("run", observed=True).size().reindex(runs, fill_value=0)
    caption = (
        f"Left: the largest share that a unit has of its energy in one feature, at the last step (blue) and at step 0 "
        f"(grey); median {table['share'].median():.2f}. Dashes: what random directions exceed in 1 % of as many units "
        f"and features ({table['null'].max():.2f}, exact). Beyond it are {special.sum()} of {len(table)} units.{kept} "
        f"Of single units {single:.1%} are beyond what a random one exceeds in {ONE_UNIT:.0%} of cases at most. "
        f"Right: how many such units carry each feature; {carried.min()} to {carried.max()} of {tap.features} features "
        "in a run."
    )
    return Panel("specialisation", "Which feature each unit carries", caption, table, figure)


def draw(table: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with the distribution of largest shares at the last step and at step 0, beside the exact null.

    Args:
        table: Table of `specialisation`.
        ax: Where to draw.
    """
    for name, colour in (("first_share", MUTED), ("share", VIEWS[0])):
        values = table[name].dropna()
        if len(values):
            ax.hist(
                values.clip(0, 1), bins=np.linspace(0, 1, 26).tolist(), histtype="step", color=colour, linewidth=1.5
            )
    ax.axvline(float(table["null"].max()), color=INK, linewidth=1, linestyle="--")
    ax.set(xlabel="largest share of a unit's energy", ylabel="units", xlim=(0, 1))
    key(ax, [(stroke(VIEWS[0]), "last step"), (stroke(MUTED), "step 0")])
    return ax


def _grid(counts: pd.DataFrame, runs: list[str], ax: Axes, tap: Tap) -> None:
    """Draw the number of units that carry each feature in each run, the darker the more."""
    everything = called(tap.index)
    places = {name: place for place, name in enumerate(everything)}, {run: place for place, run in enumerate(runs)}
    wide = np.full((len(runs), len(everything)), np.nan)
    for run, name, units in zip(counts["run"], called(counts[list(tap.axis_columns)]), counts["units"], strict=True):
        wide[places[1][run], places[0][name]] = units

    edges = (np.arange(len(everything) + 1) - 0.5, np.arange(len(runs) + 1) - 0.5)
    drawn = ax.pcolormesh(*edges, np.ma.masked_invalid(wide), cmap="Blues", vmin=0, vmax=max(1, counts["units"].max()))
    rows_named(ax, list(map(str, runs)), fontsize=7)
    every = max(1, len(everything) // 10)
    long = max(map(len, everything)) > 3
    ax.set_xticks(range(0, len(everything), every), everything[::every], fontsize=7, rotation=90 if long else 0)
    ax.set_xlabel(", ".join(tap.axes))
    if counts.empty:
        return
    bar = ax.figure.colorbar(drawn, ax=ax, pad=0.01, aspect=30)
    bar.set_label("units", fontsize=8)
    bar.ax.tick_params(labelsize=7, length=0)
    bar.outline.set_visible(False)
