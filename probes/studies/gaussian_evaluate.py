"""What only network and data can tell of a study on Gaussian inputs: outputs on its training and test set."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from probes.learners.layered import Students
from probes.log.evaluation import Evaluation, write_evaluation
from probes.studies.gaussian_material import GaussianMaterial

__all__ = ["evaluate_students", "watched_error"]

_TOGETHER = 1000  # samples


def evaluate_students(
    students: Students, material: GaussianMaterial, run_dirs: Sequence[Path], *, step: int
) -> list[Evaluation]:
    """Measure networks on the study's training and test set, and store the results with their runs.

    Arrays: "training/logits" and "test/logits", ``(sample, class)``; "training/labels", with their noise,
    "training/clean" and "test/labels", without, ``(sample,)``.

    Args:
        students: Trained networks.
        material: Their study.
        run_dirs: One directory a run.
        step: Number of updates they have seen.

    Returns:
        One evaluation a run; ``evaluation.h5`` holds the same.

    Example:
        >>> from probes.learners.gaussian_recipes import GaussianRecipe
        >>> material = GaussianMaterial(GaussianRecipe())
        >>> found = evaluate_students(material.initialise([(0,)]), material, [Path()], step=0)
        >>> found[0].arrays["test/logits"].shape
        (5000, 10)
    """
    sets = {"training": material.training, "test": material.test}
    labels = {f"{name}/labels": held.labels.numpy() for name, held in sets.items()}
    labels["training/clean"] = material.training.clean.numpy()
    logits = {f"{name}/logits": _outputs(students, held.inputs) for name, held in sets.items()}

    evaluations = []
    for run, run_dir in enumerate(run_dirs):
        own = {name: np.ascontiguousarray(values[run]) for name, values in logits.items()}
        evaluations.append(Evaluation({**labels, **own}, {"step": step}))
        write_evaluation(run_dir, evaluations[-1])
    return evaluations


def watched_error(students: Students, material: GaussianMaterial) -> Mapping[str, Tensor]:
    """Return the test error on the first samples of the test set, as many as are watched, ``(run,)``.

    Args:
        students: The networks.
        material: Their study.

    Example:
        >>> from probes.learners.gaussian_recipes import GaussianRecipe
        >>> material = GaussianMaterial(GaussianRecipe())
        >>> watched_error(material.initialise([(0,), (1,)]), material)["test_error"].shape
        torch.Size([2])
    """
    count = material.recipe.measuring.monitor_samples
    wrong = students.outputs(material.test.inputs[:count]).argmax(-1) != material.test.labels[:count]

    return {"test_error": wrong.float().mean(1)}


def _outputs(students: Students, inputs: Tensor) -> NDArray[np.float32]:
    """Return the outputs, ``(run, sample, class)``; some samples at a time, for the room that convolutions take."""
    parts = [students.outputs(part) for part in inputs.split(_TOGETHER)]

    return torch.cat(parts, 1).numpy()
