"""The members of an ensemble, and which of them learned which feature."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from probes.analysis.facts import usable
from probes.errors import LogError
from probes.logs.protocol import LogLike

__all__ = ["learned_sets", "members"]


def members(logs: LogLike | Iterable[LogLike]) -> Sequence[LogLike]:
    """Return the runs an ensemble is made of: the singles, or every run where none has that role.

    Runs that diverged, failed or have no recorded step are left out.

    Raises:
        LogError: If two runs have the same name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> len(members(example_study()))
        5
    """
    study = usable(logs)

    return tuple(log for log in study if log.manifest.role == "single") or study


def learned_sets(study: Sequence[LogLike], table: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which run learned which feature, ``(run, class, view)``.

    Args:
        study: The runs.
        table: Their table of `learned`.

    Raises:
        LogError: If they do not have the same features.

    Example:
        >>> from probes.analysis import learned
        >>> from probes.analysis.theory.example import example_study
        >>> logs = example_study()
        >>> learned_sets(logs[-2:], learned(logs)).shape
        (2, 6, 2)
    """
    names = [log.manifest.run_id for log in study]
    table = table[table["run"].isin(names)].astype({"run": object})
    wide = table.set_index(["run", "class", "view"])["learned"].unstack(["class", "view"]).sort_index(axis=1)

    if wide.isna().to_numpy().any():
        sizes = table.groupby("run").size()
        raise LogError(
            f"expected members with the same features, got {sizes.min()} of run `{sizes.idxmin()}` and {sizes.max()} "
            f"of run `{sizes.idxmax()}`; cover each study by itself"
        )
    return wide.reindex(names).to_numpy(dtype=bool).reshape(len(names), -1, table["view"].nunique())
