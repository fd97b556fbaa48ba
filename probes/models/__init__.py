"""What is read of a PyTorch model: modules and parameters by name, and its outputs as a function of them."""

from probes.models.parameters import Parameters
from probes.models.readable import check_readable, is_readable

__all__ = ["Parameters", "check_readable", "is_readable"]
