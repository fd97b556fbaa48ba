"""The report's film of the race: a few runs that stand for the others, neuron by neuron, feature by feature."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from probes.analysis import plots
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import canvas
from probes.analysis.replay import Replay, replay
from probes.analysis.theory.evidence import Evidence
from probes.logs.protocol import LogLike

__all__ = ["REPLAY_BUDGET", "replay_panel"]

# Characters that all films of a page may take.
REPLAY_BUDGET = 900_000

_ROLES = ("single", "distilled", "self_distilled")
_AXES = ("class", "neuron", "feature_class", "view")


def replay_panel(evidence: Evidence) -> Panel | None:
    """Return the films of the first single, the first student of each form, and the first self-distilled run of each.

    Where no run has a role, that of the first run. Films that a page has no room for are named in the caption.

    Raises:
        LogError: If a log has no series (class, neuron, feature_class, view).

    Example:
        >>> from probes.analysis import example_study
        >>> [film.run for film in replay_panel(Evidence(example_study())).replays][:2]
        ['single-00', 'distilled-stopped-00']
    """
    chosen = _representatives(evidence)
    if not chosen:
        return None

    films = [replay(log, title=_title(log), frame=evidence.features) for log in chosen]
    shown = _fitting(films)
    table = pd.concat([_last(film) for film in shown], ignore_index=True)
    figure, axes = canvas(7.6, 5.6)
    plots.matrix(table[table["run"] == shown[0].run], axes[0], scale=shown[0].scale)
    return Panel("race_matrix", "The race, neuron by neuron", _caption(films, shown), table, figure, shown)


def _representatives(evidence: Evidence) -> Sequence[LogLike]:
    firsts = [logs[0] for role in _ROLES for logs in evidence.with_role(role).values()]

    return firsts or evidence.logs[:1]


def _title(log: LogLike) -> str:
    role, variant = log.manifest.role.replace("_", "-"), log.manifest.variant
    kind = f"{role}, {variant}" if variant else role

    return f"{kind}: {log.manifest.run_id}" if kind else log.manifest.run_id


def _fitting(films: Sequence[Replay]) -> Sequence[Replay]:
    """Return the first films that a page has room for; there is room for one."""
    sizes = np.cumsum([len(film.packed) for film in films])

    return films[: max(1, int((sizes <= REPLAY_BUDGET).sum()))]


def _last(film: Replay) -> pd.DataFrame:
    """Return the last frame as one row per correlation."""
    values = film.correlations[-1]
    places = np.unravel_index(np.arange(values.size), values.shape)

    return pd.DataFrame({
        "run": film.run,
        "step": film.steps[-1],
        **dict(zip(_AXES, places, strict=True)),
        "correlation": values.ravel(),
    })


def _caption(films: Sequence[Replay], shown: Sequence[Replay]) -> str:
    parts = [
        f"Correlation a of every neuron with every feature, at the last step of {shown[0].run}; in a browser, at "
        f"{len(shown[0].steps)} steps, closest where strengths change most, of {len(shown)} "
        f"run{'s' if len(shown) > 1 else ''}. Frames: a class's own features. Colour: sign(a) log(1 + |a|/a₀), "
        "a₀ the median |a| at the run's first step, full at its largest |a|, in 255 levels, the same at all steps "
        f"(here a₀ = {shown[0].scale.linear:.2g}, largest {shown[0].scale.largest:.3g})."
    ]
    cut = sorted({
        f"the first {film.correlations.shape[1]} of {film.classes} classes" for film in shown if _is_cut(film)
    })
    parts += [f"Shown: {' and '.join(cut)}."] if cut else []
    left = ", ".join(film.run for film in films[len(shown) :])
    parts += [f"The page had no room for {left}."] if left else []

    return " ".join([*parts, "The table holds the last step of each run."])


def _is_cut(film: Replay) -> bool:
    return bool(film.correlations.shape[1] < film.classes)
