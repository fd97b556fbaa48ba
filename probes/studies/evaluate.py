"""Measuring recorded runs again, from their stored weights."""

from pathlib import Path

from probes.errors import LogError
from probes.log import open_log
from probes.log.reader import Log
from probes.studies.kinds import experiment
from probes.studies.recipe_files import from_mapping

__all__ = ["evaluate_run"]


def evaluate_run(run_dir: str | Path) -> Log:
    """Measure a recorded run again from its stored weights, store the result with it, and return its log.

    Args:
        run_dir: A run that `record_study` finished.

    Raises:
        RunError: If there is no run.
        LogError: If the run belongs to no study, or kept no weights.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> from probes.studies import record_study
        >>> root = record_study(built_in("tiny"), "runs")
        >>> run_dir = sorted(root.glob("single-00-*"))[0]
        >>> evaluate_run(run_dir).evaluation.arrays["class_view_moment"].shape
        (6, 2)
    """
    log = open_log(run_dir)
    if "data" not in log.manifest.recipe:
        raise LogError(
            f"expected a run of a built-in study at {run_dir}, got one without a recipe: only "
            "`probes record RECIPE` keeps what is needed to measure again"
        )

    experiment(from_mapping(log.manifest.recipe)).evaluate(log)
    return open_log(run_dir)
