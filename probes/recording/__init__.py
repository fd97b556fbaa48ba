"""Recording of a training: what counts its updates, looks at its weights when one is over, and writes what it sees."""

from probes.recording.recorder import Recorder
from probes.recording.stacked import StackedRecorder

__all__ = ["Recorder", "StackedRecorder"]
