"""What networks and their ensembles still know with a share of their channels, as they are or with a new head."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy import stats

from probes.analysis.findings.ensembles import gain_of
from probes.analysis.findings.outputs import wrong
from probes.analysis.intervals import mean_of, rate
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import MUTED, VIEWS, WIDTH, canvas, key, stroke
from probes.analysis.plots.marks import dot
from probes.analysis.sample_sets import DELETED, SampleSet, places_in, plain_sets, sample_sets
from probes.analysis.study import Study, finding
from probes.errors import LogError, NotRecordedError
from probes.log.protocol import LogLike

__all__ = ["COLUMNS", "deletion", "draw", "draw_differences", "panel"]

COLUMNS = {
    "head": "the last layer: as it is, or trained again on the channels that are left",
    "kept": "share of the channels that are left; 1 for whole networks",
    "error": "share of samples that one member has wrong, mean over members, with Student's t interval over them",
    "ensemble": "share that the mean of all members' logits has wrong, with Wilson's interval over samples",
    "gain": "the first less the second, with its interval over runs and samples",
    "over_whole": "by how much this ensemble errs more than that of whole networks whose head was treated alike, with "
    "its interval over runs and samples",
    "p_value": "of no difference between these two ensembles on the samples (McNemar's exact test, two-sided)",
    "verdict": "less, more or empty, by the rule in attrs",
    "chance": "error of naming the commonest class always",
    "members": "number of runs without parents",
    "n": "number of samples",
}

AS_IS, AGAIN = "as it is", "trained again"
_HEAD = "-head"  # how the names of sets end whose networks have a head that was trained again
_LEVEL = 0.05
_DEVIATIONS = 1.96  # of a normal distribution, to either end of its central 95 %
_RULE = (
    "an ensemble errs less, or more, than that of whole networks whose head was treated alike where the interval of "
    f"the difference excludes 0 and p <= {_LEVEL}"
)
_COLOURS = {AS_IS: VIEWS[0], AGAIN: VIEWS[1]}


class _Deleted(NamedTuple):
    """Outputs of networks with a share of their channels, or whole ones, and where the common samples stand in them."""

    head: str
    kept: float
    one: SampleSet
    places: NDArray[np.integer]

    def of(self, log: LogLike) -> NDArray[np.float64]:
        return np.asarray(self.one.logits[log.label][self.places], dtype=np.float64)


@finding
def deletion(study: Study) -> pd.DataFrame:
    """Return one row per (head, share of channels left): errors of members and their ensemble, beside whole networks.

    A head that is trained again on what is left helps by itself, so that an ensemble of networks with few channels is
    compared with whole networks whose head was trained again, too: outputs ``deleted-1-head``. Outputs are called
    ``deleted-0.125`` as they are and ``deleted-0.125-head`` after it, of the same samples; whole networks as they are
    come from another set of these samples.

    Args:
        study: A study, logs, or a path.

    Raises:
        NotRecordedError: no member has stored outputs of networks with a share of their channels.
        LogError: their names state no share, they have no labels, or their samples are not the same.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> deletion(Study(example_study()))
        Traceback (most recent call last):
        probes.errors.NotRecordedError: expected outputs of members with a share of their channels deleted, got none;...
    """
    sets, labels = _sets(study)
    rows = [
        row
        for head in (AS_IS, AGAIN)
        for row in _of_head(study, {one.kept: one for one in sets if one.head == head}, labels)
    ]
    names = ("error", "ensemble", "gain", "over_whole")
    estimates = [f"{name}{end}" for name in names for end in ("", "_low", "_high")]
    table = pd.DataFrame(rows, columns=["head", "kept", *estimates, "p_value", "verdict", "chance", "members", "n"])
    table.attrs["rule"] = _RULE

    return table


def _sets(study: Study) -> tuple[Sequence[_Deleted], NDArray[np.integer]]:
    """Return the sets, of rising share, and the labels of their samples."""
    members = {log.label for log in study.members}
    named = [one for name, one in sample_sets(study).items() if name.startswith(DELETED) and members & {*one.logits}]
    if not named:
        raise NotRecordedError(
            "expected outputs of members with a share of their channels deleted, got none; record them by "
            "`recorder.outputs('deleted-0.125', logits, labels=...)`, and with the head trained again as "
            "`deleted-0.125-head` and, of whole networks, `deleted-1-head`"
        )
    first = named[0]
    whole = [one for one in plain_sets(study).values() if places_in(first, one) is not None]
    labels = next(filter(lambda one: one is not None, (_labels(first, one) for one in (*named, *whole))), None)
    if labels is None:
        raise LogError(
            f"expected labels of the samples of outputs `{first.name}`, got none; store them with the outputs"
        )
    found = [_deleted(one, first) for one in named]
    found += [_Deleted(AS_IS, 1.0, one, np.asarray(places_in(first, one))) for one in whole[:1]]

    return sorted(found, key=lambda one: one.kept), labels


def _labels(first: SampleSet, one: SampleSet) -> NDArray[np.integer] | None:
    places = places_in(first, one)

    return None if one.labels is None or places is None else one.labels[places]


def _deleted(one: SampleSet, first: SampleSet) -> _Deleted:
    text = one.name.removeprefix(DELETED).removesuffix(_HEAD)
    try:
        kept = float(text)
    except ValueError:
        kept = np.nan
    if not 0 < kept <= 1:
        raise LogError(
            "expected outputs called `deleted-SHARE` or `deleted-SHARE-head` with a share in (0, 1], got "
            f"`{one.name}`; store them under such a name"
        )
    places = places_in(first, one)
    if places is None:
        raise LogError(
            f"expected outputs `{one.name}` of the same samples as `{first.name}`, got others; evaluate all on one set"
        )
    return _Deleted(AGAIN if one.name.endswith(_HEAD) else AS_IS, kept, one, places)


def _of_head(study: Study, sets: Mapping[float, _Deleted], labels: NDArray[np.integer]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of one kind of head; nothing where only whole networks have it."""
    if not any(one.one.name.startswith(DELETED) for one in sets.values()):
        return
    whole = sets.get(1.0)
    for kept, one in sets.items():
        logs = [log for log in study.members if log.label in one.one.logits]
        if not logs:
            continue
        stacked = np.stack([one.of(log) for log in logs])
        errors = [rate(int(wrong(each, labels).sum()), len(labels)) for each in stacked]
        joint = rate(int(wrong(stacked.mean(axis=0), labels).sum()), len(labels))[:3] if len(logs) > 1 else _NONE
        gain = gain_of(stacked, labels) if len(logs) > 1 else _NONE
        both = [log for log in logs if whole and log.label in whole.one.logits]
        over = (*_NONE, np.nan, "")
        if whole and kept < 1 and len(both) > 1:
            few, whole_ones = (np.stack([each.of(log) for log in both]) for each in (one, whole))
            over = _over(few, whole_ones, labels)
        chance = 1 - float(np.bincount(labels).max()) / len(labels)
        yield one.head, kept, *mean_of(errors)[:3], *joint, *gain, *over, chance, len(logs), len(labels)


_NONE = (np.nan,) * 3


def _over(
    few: NDArray[np.float64], whole: NDArray[np.float64], labels: NDArray[np.integer]
) -> tuple[float, float, float, float, str]:
    """Return by how much one ensemble errs more than another of the same members: interval, p value, verdict."""
    first, second = (wrong(each.mean(axis=0), labels) for each in (few, whole))
    apart = first.astype(float) - second
    value, count = float(apart.mean()), len(few)
    left = [
        float(np.subtract(*(wrong(np.delete(each, one, 0).mean(axis=0), labels).mean() for each in (few, whole))))
        for one in range(count)
    ]
    variance = apart.var(ddof=1) / len(labels) if len(labels) > 1 else np.nan
    reach = _DEVIATIONS * float(np.sqrt(variance + (count - 1) * np.var(left)))
    differ = int((first != second).sum())
    p = float(stats.binomtest(int((first & ~second).sum()), differ).pvalue) if differ else 1.0

    low, high = value - reach, value + reach
    verdict = "" if p > _LEVEL else "less" if high < 0 else "more" if low > 0 else ""
    return value, low, high, p, verdict


def panel(study: Study) -> Panel | None:
    """Return the panel of what is left of networks without some channels; None where no member has recorded it."""
    try:
        table = deletion(study)
    except NotRecordedError:
        return None

    figure, axes = canvas(WIDTH, 2.9, columns=2)
    draw(table, axes[0])
    draw_differences(table, axes[1])
    marks = [(dot(_COLOURS[head], size=6), f"head {head}") for head in table["head"].drop_duplicates()]
    more = [(dot(MUTED, size=6), "ensemble"), (stroke(MUTED, 1), "one member"), (_dotted(), "chance, or no difference")]
    key(figure, [*marks, *more])
    caption = (
        f"Share of {table['n'].max():,} samples that networks with a share of their channels have wrong: one member "
        f"(mean of {table['members'].max()}) and the ensemble of all, and by how much that ensemble errs more than "
        f"that of whole networks; bars: 95 %. {_said(table)} {_RULE[0].upper()}{_RULE[1:]}."
    )
    return Panel("deletion", "What a share of the channels still knows", caption, table, figure)


def _dotted() -> Any:
    line = stroke(MUTED, 1)
    line.set_linestyle(":")

    return line


def draw(table: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with errors against the share of channels left: of one member thin, of ensembles as dots.

    Args:
        table: Rows of `deletion`.
        ax: Where to draw.
    """
    for head, rows in table.groupby("head", sort=False):
        colour = _COLOURS[str(head)]
        ax.fill_between(rows["kept"], rows["error_low"], rows["error_high"], color=colour, alpha=0.15, linewidth=0)
        ax.plot(rows["kept"], rows["error"], color=colour, linewidth=1)
        ax.vlines(rows["kept"], rows["ensemble_low"], rows["ensemble_high"], color=colour, linewidth=1.4)
        ax.plot(rows["kept"], rows["ensemble"], "o", color=colour, markersize=5, clip_on=False)
    ax.axhline(table["chance"].max(), color=MUTED, linestyle=":", linewidth=1)
    _shares(ax, table)
    ax.set(ylabel="error")
    ax.set_ylim(bottom=0)
    return ax


def draw_differences(table: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with by how much ensembles err more than those of whole networks; filled where a verdict stands.

    Args:
        table: Rows of `deletion`.
        ax: Where to draw.
    """
    for head, rows in table[table["kept"] < 1].groupby("head", sort=False):
        colour, side = _COLOURS[str(head)], 0.97 if head == AS_IS else 1.03
        ax.vlines(rows["kept"] * side, rows["over_whole_low"], rows["over_whole_high"], color=colour, linewidth=1.4)
        for called, style in ((rows["verdict"] != "", "full"), (rows["verdict"] == "", "none")):
            points = rows[called]
            ax.plot(points["kept"] * side, points["over_whole"], "o", color=colour, markersize=5, fillstyle=style)
    ax.axhline(0, color=MUTED, linestyle=":", linewidth=1)
    _shares(ax, table)
    ax.set(ylabel="error over that of whole")
    return ax


def _shares(ax: Axes, table: pd.DataFrame) -> None:
    kept = sorted({*table["kept"], 1.0})
    ax.set_xscale("log", base=2)
    ax.set(xlim=(kept[0] / 1.3, 1.3), xlabel="share of the channels left")
    ax.set_xticks(kept, [f"{one:.3g}" for one in kept])
    ax.minorticks_off()


def _said(table: pd.DataFrame) -> str:
    """Say of each kind of head what its smallest share does beside whole networks, or what to record."""
    parts = []
    for head, rows in table.groupby("head", sort=False):
        row = rows.iloc[0]
        if rows["over_whole"].isna().all():
            name = "`deleted-1-head` too" if head == AGAIN else "a set of the same samples of whole networks"
            parts.append(f"Head {head}: nothing to compare with; record {name}, of two members or more.")
            continue
        parts.append(
            f"Head {head}, {row['kept']:.3g} left: one {row['error']:.4g}, ensemble {row['ensemble']:.4g}, "
            f"{row['over_whole']:+.4g} against whole networks ({row['over_whole_low']:+.4g} to "
            f"{row['over_whole_high']:+.4g}, p {row['p_value']:.3g}): {row['verdict'] or 'open'}."
        )
    return " ".join(parts)
