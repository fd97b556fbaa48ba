"""A log that is held in memory, for tests and small analyses."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from probes.log.evaluation import Evaluation
from probes.log.folder import Source
from probes.log.manifest import Manifest
from probes.log.outputs import Outputs, checked
from probes.log.reader import Log
from probes.log.rows import Rows, due
from probes.log.stored_directions import StoredDirections, by_series

__all__ = ["memory_log"]


def memory_log(
    manifest: Manifest,
    steps: Any,
    arrays: Mapping[str, Any],
    *,
    scalars: Any = None,
    evaluation: Evaluation | None = None,
    directions: StoredDirections | Mapping[str, StoredDirections] | None = None,
    outputs: Iterable[Outputs] = (),
) -> Log:
    """A log with the same reading interface as one of files.

    Args:
        manifest: What the run is; its series say what the arrays are.
        steps: Recorded steps, rising.
        arrays: For each series its values, axes ``(step, *dims)``; of one that has a schedule of its own a row for
            each of the steps that it names.
        scalars: pandas DataFrame of what was logged, indexed by step.
        evaluation: What was measured of the trained network.
        directions: Those of every series that has some; one set alone counts for all of them.
        outputs: What the network says of sets of samples, at one step or several.

    Raises:
        ValueError: the arrays are not those of the manifest's series, or do not have its shapes; or outputs are
            malformed.
        TypeError: an array of outputs has another type.

    Example:
        >>> from probes.log.layout import Series
        >>> log = memory_log(Manifest("seed-0", (Series("w", ("neuron",), (2,)),)), [0, 5], {"w": [[1, 2], [3, 4]]})
        >>> log["w"][1]
        array([3., 4.], dtype=float32)
    """
    if arrays.keys() != {one.name for one in manifest.series}:
        raise ValueError(f"expected arrays {[one.name for one in manifest.series]}, got {list(arrays)}")
    typed: dict[str, NDArray[Any]] = {}
    for one in manifest.series:
        typed[one.name] = np.asarray(arrays[one.name], one.dtype)
        shape = (int(due(manifest.schedules.get(one.name), steps).sum()), *one.shape)
        if typed[one.name].shape != shape:
            raise ValueError(f"series `{one.name}`: expected shape {shape}, got {typed[one.name].shape}")

    stored: dict[str, dict[int, Callable[[], Outputs]]] = {}
    for each in sorted(map(checked, outputs), key=attrgetter("name", "step")):
        stored.setdefault(each.name, {})[each.step] = partial(lambda found: found, each)

    columns = {} if scalars is None else {str(name): scalars[name].dropna() for name in scalars}
    logged = {name: (column.index.to_numpy(np.int64), column.to_numpy(np.float64)) for name, column in columns.items()}
    rows = Rows(np.asarray(steps, np.int64), typed, logged)
    return Log(
        Source(
            Path(manifest.run_id),
            lambda: manifest,
            lambda now: now.status,
            lambda _: ([rows], []),
            lambda: evaluation,
            lambda: by_series(directions, manifest.series),
            lambda: stored,
        )
    )
