"""A log from what a training has saved: weights at some of its steps, in the files of whatever tool wrote them."""

from probes.checkpoints.importing import import_checkpoints
from probes.checkpoints.sources import Checkpoint, find_checkpoints
from probes.checkpoints.weights import Weights, open_weights

__all__ = ["Checkpoint", "Weights", "find_checkpoints", "import_checkpoints", "open_weights"]
