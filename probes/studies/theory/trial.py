"""A recorder of all that a study records, into a folder that is thrown away."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torch import Tensor

from probes.log.manifest import Manifest
from probes.recording import StackedRecorder
from probes.studies.theory.series import forces, taps

__all__ = ["trial_recorder"]


@contextmanager
def trial_recorder(features: Tensor, runs: int, *, taught: bool, own_class: bool = False) -> Iterator[StackedRecorder]:
    """Give a recorder as `record_study` has it; what it writes is gone afterwards.

    Args:
        features: The feature vectors, ``(feature_class, view, dim)``.
        runs: Number of runs.
        taught: Whether the runs have a teacher.
        own_class: Whether correlations of a class with its own features only are recorded.

    Example:
        >>> import torch
        >>> with trial_recorder(torch.eye(4).reshape(2, 2, 4), 3, taught=False) as recorder:
        ...     [path.name for path in recorder.paths]
        ['run-0', 'run-1', 'run-2']
    """
    names = [f"run-{run}" for run in range(runs)]
    quantities = [forces(features)] if taught else []
    with tempfile.TemporaryDirectory(prefix="probes-trial-") as folder:
        paths, manifests = [Path(folder, name) for name in names], [Manifest(name, ()) for name in names]
        tapped = taps(features, own_class=own_class)
        with StackedRecorder(paths, tapped, manifests, quantities=quantities, null=False) as recorder:
            yield recorder
