"""Studies: a recipe becomes runs, runs are trained and recorded, and what only network and data can tell is measured.

The one place, beside the command line, where learners, recorder and store meet.
"""

from probes.studies.evaluate import evaluate_run
from probes.studies.plan import Phase, PlannedRun, plan
from probes.studies.record import Watcher, record_study

__all__ = ["Phase", "PlannedRun", "Watcher", "evaluate_run", "plan", "record_study"]
