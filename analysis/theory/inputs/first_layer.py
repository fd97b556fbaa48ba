"""How near the first layer's neurons come to known directions, beside what as many random directions give."""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from probes.analysis.facts import usable
from probes.logs.protocol import LogLike

__all__ = ["FIRST_LAYER", "first_layer"]

FIRST_LAYER = ("run", "role", "step", "cosine", "chance")
_WEIGHT = "first.weight"
_POINTS = 200


def first_layer(logs: LogLike | Iterable[LogLike]) -> pd.DataFrame:
    r"""Return one row per (run, step): :math:`\max_r \cos(w_r, v_j)` over neurons r, mean over directions j.

    Columns: run, role, step, cosine, chance (the same for as many random directions). Of a run with more than about 200
    recorded steps some are left out, never the first or the last; runs of other studies give no row.

    Args:
        logs: The runs of a study on Gaussian inputs; those that diverged or failed are left out.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> first_layer(example_study()).empty
        True
    """
    rows = [row for log in usable(logs) if f"{_WEIGHT}.null.cosine" in log.series for row in _rows(log)]

    return pd.DataFrame(rows, columns=list(FIRST_LAYER))


def _rows(log: LogLike) -> Iterator[tuple[object, ...]]:
    last = len(log.steps) - 1
    kept = np.unique(np.linspace(0, last, min(last + 1, _POINTS)).astype(int))
    for row in kept:
        products, norms = (np.asarray(log[name][row : row + 1])[0] for name in (_WEIGHT, f"{_WEIGHT}.norm"))
        cosines = products / np.maximum(norms, np.finfo(norms.dtype).tiny)[:, None]
        chance = np.asarray(log[f"{_WEIGHT}.null.cosine"][row : row + 1]).mean()
        yield log.manifest.run_id, log.manifest.role, int(log.steps[row]), float(cosines.max(0).mean()), float(chance)
