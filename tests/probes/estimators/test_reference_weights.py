import hashlib

import pytest
import torch
from safetensors.torch import save_file

from probes.errors import UsageError
from probes.estimators import reference_weights

GENERATOR = torch.Generator().manual_seed(0)
WEIGHT = torch.randn(6, 3, 2, 2, generator=GENERATOR)
DEAD = WEIGHT.clone()
DEAD[[1, 4]] = 0
STATE = {"conv1.weight": WEIGHT, "conv1.bias": torch.zeros(6), "dead": DEAD}


def test_directions_are_the_neurons_weights_over_their_norms():
    found = reference_weights(STATE, "conv1.weight")

    assert found.names == ("feature",)
    for neuron in range(6):
        torch.testing.assert_close(found.vectors[neuron], WEIGHT[neuron].flatten() / WEIGHT[neuron].norm())


def test_state_model_file_and_run_directory_give_the_same(tmp_path):
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 6, 2))
    state = model.state_dict()
    save_file(state, tmp_path / "weights.safetensors")
    sources = (state, model, tmp_path / "weights.safetensors", str(tmp_path))

    assert len({reference_weights(source, "0.weight").sha256 for source in sources}) == 1


def test_a_study_keeps_weights_that_can_be_referred_to(tiny_root):
    run = next(iter(sorted(tiny_root.glob("single-*"))))
    found = reference_weights(run, "weight", axes=2)

    assert found.labels["feature"][:3] == ("0, 0", "0, 1", "0, 2")
    assert found.dim == 12


def test_dead_neurons_are_left_out_and_the_others_keep_their_numbers():
    found = reference_weights(STATE, "dead")

    assert found.labels == {"feature": ("0", "2", "3", "5")}
    assert found.facts["left_out"] == 2


def test_a_second_reference_makes_the_stability():
    turned = {"conv1.weight": -WEIGHT[[3, 0, 1, 2, 5, 4]]}
    other = {"conv1.weight": torch.randn(6, 3, 2, 2, generator=GENERATOR)}

    assert reference_weights(STATE, "conv1.weight", again=turned).facts["stability"] == pytest.approx(1)
    assert reference_weights(STATE, "conv1.weight", again=other).facts["stability"] < 0.6
    assert "stability" not in reference_weights(STATE, "conv1.weight").facts


def test_the_hash_is_that_of_the_weights():
    expected = hashlib.sha256(b'["torch.float32", [3, 2, 2]]' + WEIGHT.numpy().tobytes()).hexdigest()

    assert reference_weights(STATE, "conv1.weight").facts["data_sha256"] == expected


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: reference_weights(STATE, "conv1.wieght"),
            "expected a parameter of the state dict, got `conv1.wieght`; there are conv1.weight, conv1.bias, dead",
        ),
        (lambda: reference_weights({}, "a"), "expected a parameter of the state dict, got `a`; there are none"),
        (
            lambda: reference_weights("a.pt", "weight"),
            "expected weights in a .safetensors file or a run's directory, got `a.pt`",
        ),
        (
            lambda: reference_weights("none.safetensors", "weight"),
            "no weights could be read from `none.safetensors`: No such file or directory: none.safetensors",
        ),
        (
            lambda: reference_weights(STATE, "conv1.bias"),
            "expected `conv1.bias` with more than 1 axes, got shape (6,)",
        ),
        (
            lambda: reference_weights({"a": WEIGHT / 0}, "a"),
            "expected finite weights in `a`, got NaN or an infinite value",
        ),
        (lambda: reference_weights({"a": WEIGHT * 0}, "a"), "expected weights in `a` that are not all zero"),
        (
            lambda: reference_weights(STATE, "conv1.weight", again={"conv1.weight": WEIGHT[:4]}),
            "expected `again` with weights for at least 6 neurons of dim 12, got 4 of dim 12",
        ),
    ],
)
def test_what_holds_no_weights_is_refused(make, message):
    with pytest.raises((UsageError, ValueError), match=r"expected|no weights") as refused:
        make()

    assert str(refused.value) == message
