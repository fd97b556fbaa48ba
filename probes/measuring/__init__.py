"""How quantities are measured without waiting for a device: steps wait where they were computed, many together."""

from probes.measuring.numbers import Numbers
from probes.measuring.pending import Pending, all_finite
from probes.measuring.transfer import refuse_capture

__all__ = ["Numbers", "Pending", "all_finite", "refuse_capture"]
