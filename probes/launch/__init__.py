"""An unmodified training script under the recorder: it is run as Python would run it, and found out what it trains.

``probes record train.py`` starts here. What the script can see of its process is as with ``python train.py``; the
models are found from the parameters of the optimizers that make a step.
"""

from probes.launch.launch import Launch
from probes.launch.parent_runs import parent_ids
from probes.launch.plan import Plan
from probes.launch.program import Program
from probes.launch.tap_text import TapText, parse_tap

__all__ = ["Launch", "Plan", "Program", "TapText", "parent_ids", "parse_tap"]
