"""What every quantity is: its contract, the state that it looks at, the batch that it looks with, what it remembers."""

from probes.quantities.contract.probe_batch import ProbeBatch
from probes.quantities.contract.quantity import Quantity
from probes.quantities.contract.state import State

__all__ = ["ProbeBatch", "Quantity", "State"]
