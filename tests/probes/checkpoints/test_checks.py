from pathlib import Path

import pytest
import torch

from probes.checkpoints.checks import Comparison, missing_steps
from probes.checkpoints.weights import Weights


def random(number, *shape):
    return torch.randn(*shape or (40, 30), generator=torch.Generator().manual_seed(number))


def notes(checkpoints, *, files=None, stated=None):
    """What is said of checkpoints, each a step and tensors by name."""
    comparison = Comparison()
    for step, tensors in checkpoints:
        shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        places = {name: Path((files or {}).get(name, "weights.pt")) for name in tensors}
        weights = Weights(shapes, places, tensors.__getitem__, stated or {})
        comparison.add(step, tensors, weights)
    return list(comparison.notes())


def training(steps, *, first=0):
    """Weights that move a little at every step."""
    return [(step, {"w": random(first) + step * 1e-3 * random(1)}) for step in steps]


def test_of_a_sound_training_nothing_is_said():
    assert notes(training(range(0, 100, 10))) == []


def test_steps_with_the_same_weights_are_named():
    checkpoints = training([0, 10, 20, 30])
    checkpoints[2] = (20, checkpoints[1][1])
    assert notes(checkpoints) == ["steps 10 and 20 have the same weights"]


def test_a_shard_of_another_step_is_named_and_a_frozen_one_is_not():
    files = {"a": "model-1.safetensors", "b": "model-2.safetensors", "frozen": "model-3.safetensors"}
    checkpoints = [(step, {"a": random(step), "b": random(step + 100), "frozen": random(7)}) for step in (1, 2, 3)]
    checkpoints[2][1]["b"] = checkpoints[1][1]["b"]
    assert notes(checkpoints, files=files)[0] == (
        "`model-2.safetensors` of step 3 has the weights of step 2, and other files have not"
    )
    assert len(notes(checkpoints, files=files)) == 2  # it does not begin at step 0 either


def test_a_shard_that_states_another_step_is_named():
    assert notes([(0, {"w": torch.ones(1)})], stated={Path("x/model-2.safetensors"): 30}) == [
        "`model-2.safetensors` states step 30, and is taken as of step 0"
    ]


def test_a_step_0_of_another_initialisation_is_named():
    checkpoints = [(0, {"w": random(99)}), *training([10, 20, 30])]
    (line,) = notes(checkpoints)
    cosine = torch.cosine_similarity(checkpoints[0][1]["w"].flatten(), checkpoints[1][1]["w"].flatten(), dim=0)
    assert line.startswith(f"step 0 has nothing in common with step 10 (cosine {cosine:.3f}; of the next two 1.000)")


def test_weights_that_all_change_at_once_are_no_other_initialisation():
    assert notes([(step, {"w": random(step)}) for step in (0, 10, 20)]) == []


def test_a_log_without_the_initialisation_says_so():
    assert notes(training([10, 20])) == ["the first checkpoint is of step 10: the initialisation is not there"]


def test_missing_steps_are_named():
    assert notes(training([0, 10, 20, 50, 60])) == ["steps that the others lead to expect are missing: 30, 40"]
    assert notes(training([0, *range(1000, 9001, 1000), 20000]))[0].endswith(
        ": 10000, 11000, 12000, 13000, 14000 and 5 more"
    )


@pytest.mark.parametrize("steps", [[], [3], [0, 7], [1, 2, 4, 8, 16, 32], [0, 1, 2, 4, 8, 1000, 2000, 3000]])
def test_schedules_that_are_not_regular_miss_nothing(steps):
    assert missing_steps(steps) == []
