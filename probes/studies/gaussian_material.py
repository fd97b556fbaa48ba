"""What a study on Gaussian inputs is made of: teacher, training and test set, networks, and known directions.

Axes: s = run, n = sample, i = class, d = dim.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import torch
from safetensors.torch import save

from probes.directions import Directions
from probes.files.durable import write_whole
from probes.learners.gaussian_recipes import GaussianRecipe
from probes.learners.layered import FIRST, KERNEL, Students, initialise
from probes.learners.streams import Purpose, seed_of
from probes.learners.teachers import Labelled, Teacher
from probes.log.layout import WEIGHTS
from probes.studies.material import kept_tensors

__all__ = ["GaussianMaterial", "keep_students", "kept_students"]


class GaussianMaterial:
    """Everything that the runs of one study on Gaussian inputs share.

    Args:
        recipe: The study.

    Example:
        >>> material = GaussianMaterial(GaussianRecipe())
        >>> material.test.inputs.shape, material.directions
        (torch.Size([5000, 32]), Directions(feature=32, dim=32))
    """

    def __init__(self, recipe: GaussianRecipe) -> None:
        self.recipe = recipe

    @cached_property
    def teacher(self) -> Teacher:
        """The network that labels inputs."""
        return self.recipe.data.teacher_of(self._seed("teacher"))

    @cached_property
    def training(self) -> Labelled:
        """The training set, with its label noise."""
        noise = self.recipe.data.label_noise

        return self.teacher.sample(self.recipe.training.samples, seed=self._seed("training"), label_noise=noise)

    @cached_property
    def test(self) -> Labelled:
        """The test set, labels without noise."""
        return self.teacher.sample(self.recipe.measuring.test_samples, seed=self._seed("test"))

    @cached_property
    def directions(self) -> Directions:
        """Known directions in what a neuron of the students' first layer sees, of length 1, ``(feature, dim)``.

        Those of the teacher's first layer, one a neuron (of a linear teacher one a class), where it sees the same: a
        whole input, or `KERNEL` inputs in a row. Else the principal directions of the class means, of the whole inputs
        or of `KERNEL` inputs in a row at every position.
        """
        planted = self.teacher.network.first[0]
        width = KERNEL if self.recipe.network.kind == "convolutional" else self.recipe.data.dim
        if planted.shape[-1] == width:
            return Directions(
                planted / planted.norm(dim=-1, keepdim=True), facts={"source": "the teacher's first layer"}
            )

        labels, inputs = self.training.clean, self.training.inputs
        means = torch.stack([inputs[labels == i].mean(0) for i in labels.unique()])
        seen = means if width == means.shape[-1] else means.unfold(1, width, 1).flatten(0, 1)
        principal = torch.linalg.svd(seen, full_matrices=False).Vh

        return Directions(principal, facts={"source": "principal directions of the class means"})

    def initialise(self, seeds: Sequence[Sequence[int]]) -> Students:
        """Return networks at their start, one run for each sequence of seeds."""
        return initialise(self.recipe.network, self.recipe.data.dim, self.recipe.data.classes, seeds=seeds)

    def _seed(self, purpose: Purpose) -> int:
        return seed_of(purpose, self.recipe.seed)


def keep_students(students: Students, run_dirs: Sequence[Path]) -> None:
    """Keep the weights of every run in its directory, each parameter ``(member, ...)``.

    Args:
        students: Trained networks.
        run_dirs: One directory a run.

    Example:
        >>> material = GaussianMaterial(GaussianRecipe())
        >>> students = material.initialise([(0,), (1,)])
        >>> Path("a").mkdir(), Path("b").mkdir()
        (None, None)
        >>> keep_students(students, [Path("a"), Path("b")])
        >>> torch.equal(kept_students(material, [Path("b")]).first[0], students.first[1])
        True
    """
    for run, run_dir in enumerate(run_dirs):
        tensors = {name: values[run].contiguous() for name, values in students.parameters.items()}
        write_whole(run_dir / WEIGHTS, save(tensors))


def kept_students(material: GaussianMaterial, run_dirs: Sequence[Path]) -> Students:
    """Return networks from kept weights, side by side.

    Args:
        material: Their study.
        run_dirs: One directory a run.

    Raises:
        LogError: If a run kept no weights, or they are damaged.

    Example:
        >>> keep_students(GaussianMaterial(GaussianRecipe()).initialise([(0,)]), [Path()])
        >>> kept_students(GaussianMaterial(GaussianRecipe()), [Path()]).runs
        1
    """
    tensors = [kept_tensors(run_dir, FIRST) for run_dir in run_dirs]
    module = material.initialise([(0,)]).module

    return Students(module, {name: torch.stack([one[name] for one in tensors]) for name in tensors[0]})
