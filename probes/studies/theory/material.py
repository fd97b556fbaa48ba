"""What the runs of a study share: its samples, as the recipe and its seed determine them, and kept weights.

Axes: s = run, n = sample, p = patch, i = class, r = neuron, j = feature_class, v = view, d = dim.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from probes.errors import LogError
from probes.files.durable import write_whole
from probes.learners.activations import SmoothedReLU
from probes.learners.features import orthonormal_features, standard_features
from probes.learners.networks import Networks, initialise
from probes.learners.recipes import Recipe
from probes.learners.samples import Inputs, Samples
from probes.learners.streams import Purpose, seed_of
from probes.log.layout import WEIGHTS

__all__ = ["Material", "kept_tensors", "load_networks", "save_networks"]


@dataclass(frozen=True)
class Material:
    """Samples, inputs and feature vectors of a recipe: the same recipe gives the same bits.

    Args:
        recipe: The study.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> Material(built_in("tiny")).features.shape
        torch.Size([6, 2, 12])
    """

    recipe: Recipe

    @cached_property
    def features(self) -> Tensor:
        """The feature vectors, ``(feature_class, view, dim)``."""
        classes, noise = self.recipe.data.classes, self.recipe.noise
        if noise.form == "private":
            return standard_features(classes)
        return orthonormal_features(classes, noise.dim, seed=self.recipe.seed)

    @cached_property
    def training(self) -> Samples:
        """The training set."""
        return self.recipe.data.sample(self.recipe.training.samples, seed=seed_of("training", self.recipe.seed))

    @cached_property
    def training_inputs(self) -> Inputs:
        """What a network sees of the training set."""
        return self._inputs(self.training, "training")

    def multi_view_test(self, count: int) -> tuple[Samples, Inputs]:
        """Return the first ``count`` samples of the multi-view test set, and what a network sees of them."""
        samples = self.recipe.data.multi_view(count, seed=seed_of("multi-view test", self.recipe.seed))

        return samples, self._inputs(samples, "multi-view test")

    def single_view_test(self, count: int) -> tuple[Samples, Inputs]:
        """Return a single-view test set of ``count`` samples, and what a network sees of them."""
        samples = self.recipe.data.single_view(count, seed=seed_of("single-view test", self.recipe.seed))

        return samples, self._inputs(samples, "single-view test")

    def initialise(self, seeds: Sequence[Sequence[int]]) -> Networks:
        """Return networks at initialisation, one run per group of seeds."""
        network = self.recipe.network

        networks = initialise(
            self.training_inputs,
            SmoothedReLU(network.q, network.threshold),
            classes=self.recipe.data.classes,
            neurons=network.neurons,
            init_scale=network.init_scale,
            seeds=seeds,
            kind=network.kind,
        )
        return replace(networks, scale=self.scale(networks.members))

    def networks(self, weights: Tensor, memory: Tensor | None, seeds: Sequence[Sequence[int]]) -> Networks:
        """Return networks as they were kept: ``(dim, run, class, neuron)``, ``(sample, patch, run, class, neuron)``."""
        network = self.recipe.network
        activation, scale = SmoothedReLU(network.q, network.threshold), self.scale(len(seeds[0]))

        return Networks(weights, memory, activation, tuple(map(tuple, seeds)), network.init_scale, scale, network.kind)

    def scale(self, members: int) -> float:
        """Return the factor c in front of a run's outputs (c/K) sum F: the recipe's where K networks are averaged."""
        return self.recipe.training.average_scale if members > 1 else 1.0

    def _inputs(self, samples: Samples, purpose: Purpose) -> Inputs:
        if self.recipe.noise.form == "private":
            return samples.private()
        return samples.gaussian(self.features, seed=seed_of(purpose, self.recipe.seed))


def save_networks(networks: Networks, run_dirs: Sequence[Path]) -> None:
    """Keep the weights of every run in its directory, in the layout of the log.

    ``weight`` is ``(class, neuron, dim)``; ``memory``, where noise is private, ``(sample, patch, class, neuron)``.

    Args:
        networks: Trained networks.
        run_dirs: One directory a run.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> material = Material(built_in("tiny"))
        >>> networks = material.initialise([(0,)])
        >>> save_networks(networks, [Path()])
        >>> torch.equal(load_networks(material, [Path()], [(0,)]).weights, networks.weights)
        True
    """
    for run, run_dir in enumerate(run_dirs):
        tensors = {"weight": networks.by_neuron[run].contiguous()}
        if networks.memory is not None:
            tensors["memory"] = networks.memory[:, :, run].contiguous()
        write_whole(run_dir / WEIGHTS, save(tensors))


def load_networks(material: Material, run_dirs: Sequence[Path], seeds: Sequence[Sequence[int]]) -> Networks:
    """Return networks from kept weights, side by side.

    Args:
        material: The study they belong to.
        run_dirs: One directory a run.
        seeds: Each run's seeds of initialisation, which fix the noise of test samples and what is never trained.

    Raises:
        LogError: If a run kept no weights, or they are damaged.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> from probes.studies import record_study
        >>> run_dir = sorted(record_study(built_in("tiny"), "runs").glob("single-*"))[0]
        >>> load_networks(Material(built_in("tiny")), [run_dir], [(0,)]).weights.shape
        torch.Size([12, 1, 6, 4])
    """
    tensors = [kept_tensors(run_dir, "weight") for run_dir in run_dirs]
    weights = torch.stack([part["weight"].permute(2, 0, 1) for part in tensors], 1)
    memory = torch.stack([part["memory"] for part in tensors], 2) if "memory" in tensors[0] else None

    return material.networks(weights, memory, seeds)


def kept_tensors(run_dir: Path, needed: str) -> dict[str, Tensor]:
    """Return what a run keeps of its networks, name to tensor.

    Args:
        run_dir: The run's directory.
        needed: A tensor that must be there.

    Raises:
        LogError: If the run kept none, or what it kept is damaged.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> networks = Material(built_in("tiny")).initialise([(0,)])
        >>> save_networks(networks, [Path()])
        >>> sorted(kept_tensors(Path(), "weight"))
        ['memory', 'weight']
    """
    path = run_dir / WEIGHTS
    try:
        tensors = load_file(path)
        _ = tensors[needed]
    except (OSError, SafetensorError, KeyError) as error:
        raise LogError(f"expected kept weights at {path}, got {type(error).__name__}: record the run again") from error

    return tensors
