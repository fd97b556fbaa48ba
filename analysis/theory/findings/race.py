"""A film of the race: a few runs that stand for the others, neuron by neuron, feature by feature."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import WIDTH, canvas
from probes.analysis.plots.matrix import matrix
from probes.analysis.replay import Replay, replay
from probes.analysis.study import Study
from probes.analysis.taps.tap import taps_of
from probes.analysis.theory.recipe import correlation_series
from probes.analysis.theory.roles import race_features, with_role
from probes.log.protocol import LogLike

__all__ = ["REPLAY_BUDGET", "panel"]

# Characters that all films of a page may take.
REPLAY_BUDGET = 900_000

_ROLES = ("single", "distilled", "self_distilled")
_AXES = ("class", "neuron", "feature_class", "view")


def panel(study: Study) -> Panel | None:
    """Return the films of the first single, the first student of each form, and the first self-distilled run of each.

    Where no run has a role, that of the first run. Films that a page has no room for are named in the caption.

    Raises:
        LogError: a log has no series (class, neuron, feature_class, view).

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> [film.run for film in panel(Study(example_study())).replays][:2]
        ['single-00', 'distilled-stopped-00']
    """
    chosen = _representatives(study)
    if not chosen:
        return None

    table = race_features(study)
    films = [replay(log, taps_of(log)[correlation_series(log).name], title=_title(log), table=table) for log in chosen]
    shown = _fitting(films)
    last = pd.concat([_last(film) for film in shown], ignore_index=True)
    figure, axes = canvas(WIDTH, 5.6)
    matrix(last[last["run"] == shown[0].run], axes[0], scale=shown[0].scale)
    return Panel("race_matrix", "The race, neuron by neuron", _caption(films, shown), last, figure, shown)


def _representatives(study: Study) -> Sequence[LogLike]:
    firsts = [logs[0] for role in _ROLES for logs in with_role(study, role).values()]

    return firsts or study.usable[:1]


def _title(log: LogLike) -> str:
    role, variant = log.manifest.role.replace("_", "-"), log.manifest.variant
    kind = f"{role}, {variant}" if variant else role

    return f"{kind}: {log.label}" if kind else log.label


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
