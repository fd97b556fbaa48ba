"""What only network and data can tell, measured from the networks and stored with their runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from probes.learners.networks import Networks
from probes.learners.objectives import CrossEntropy
from probes.learners.samples import Samples
from probes.learners.training import State
from probes.log.evaluation import Evaluation, write_evaluation
from probes.studies.theory.deletion import deletion
from probes.studies.theory.material import Material
from probes.studies.theory.noise import noise_strength

__all__ = ["Monitor", "evaluate_networks"]

# First chunk of test noise of each set: no two sets share noise, however large they are.
SINGLE_VIEW, MULTI_VIEW = 0, 1_000_000


def evaluate_networks(
    networks: Networks, material: Material, run_dirs: Sequence[Path], *, step: int
) -> list[Evaluation]:
    """Measure networks on the study's training set and fixed test sets, and store the results with their runs.

    Args:
        networks: Trained networks.
        material: Their study.
        run_dirs: One directory a run.
        step: Number of updates they have seen.

    Returns:
        One evaluation a run; ``evaluation.h5`` holds the same.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> material = Material(built_in("tiny"))
        >>> networks = material.initialise([(0,)])
        >>> evaluate_networks(networks, material, [Path()], step=0)[0].arrays["single_view/logits"].shape
        (200, 6)
    """
    recipe = material.recipe
    count = recipe.measuring.test_samples
    single, single_inputs = material.single_view_test(count)
    multi, multi_inputs = material.multi_view_test(count)
    shared = {
        "class_view_moment": material.training.class_view_moment(recipe.network.q).numpy(),
        **_named("training", material.training),
        **_named("multi_view", multi),
        **_named("single_view", single),
    }
    attrs = {"mu": recipe.data.single_view_share, "step": step, "q": recipe.network.q}

    evaluations = []
    for run, run_dir in enumerate(run_dirs):
        network = networks.select([run])
        logits = {
            "training/logits": network.training_outputs(material.training_inputs),
            "multi_view/logits": network.test_outputs(multi_inputs, first_chunk=MULTI_VIEW),
            "single_view/logits": network.test_outputs(single_inputs, first_chunk=SINGLE_VIEW),
            **deletion(network, single, single_inputs, material.features, first_chunk=SINGLE_VIEW),
        }
        arrays = {**shared, **{name: values[0].numpy().astype(np.float32) for name, values in logits.items()}}
        evaluations.append(Evaluation(arrays, attrs))
        write_evaluation(run_dir, evaluations[-1])
    return evaluations


class Monitor:
    """Test errors while networks train, on a smaller test set whose noise is drawn once, and what is memorised.

    Memorised noise is that of the state one update later, except at the last step: by the time a step is shown, the
    noise products have moved on already.

    Args:
        networks: The networks at their start.
        material: Their study.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> material = Material(built_in("tiny"))
        >>> networks = material.initialise([(0,), (1,)])
        >>> {name: error.shape for name, error in Monitor(networks, material)(State(0, (0, 1), networks, {})).items()}
        {'noise_multi_view': ..., 'single_view_error': torch.Size([2]), 'multi_view_error': torch.Size([2])}
    """

    def __init__(self, networks: Networks, material: Material) -> None:
        count = material.recipe.measuring.monitor_samples
        self._material = material
        self.every = material.recipe.measuring.monitor_every
        self._sets = {}
        for name, chunk, (_, inputs) in (
            ("single_view_error", SINGLE_VIEW, material.single_view_test(count)),
            ("multi_view_error", MULTI_VIEW, material.multi_view_test(count)),
        ):
            noise = networks.test_noise(inputs, chunk=chunk) if inputs.has_noise else None
            self._sets[name] = inputs, noise

    def __call__(self, state: State) -> Mapping[str, Tensor]:
        """Return name to value, ``(run,)``, of the runs still in training."""
        errors = dict(noise_strength(state.networks, self._material))
        for name, (inputs, noise) in self._sets.items():
            alive = noise if noise is None else noise[:, :, list(state.runs)]
            outputs = state.networks.outputs(inputs, alive).transpose(0, 1)
            errors[name] = CrossEntropy().scalars(outputs, inputs.labels)["train_error"]
        return errors


def _named(name: str, samples: Samples) -> dict[str, np.ndarray]:
    return {f"{name}/labels": samples.labels.numpy(), f"{name}/view": samples.view.numpy()}
