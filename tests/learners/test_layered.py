import re

import pytest
import torch

from probes.learners.layered import KERNEL, KINDS, Layered, initialise


def alone(shape, students, run, member=0, *, dim=12, classes=3):
    """One of the networks as an ordinary module with parameters of its own."""
    module = shape.build(dim, classes)
    module.load_state_dict({name: values[run, member] for name, values in students.parameters.items()})
    return module


@pytest.mark.parametrize("kind", KINDS)
def test_networks_side_by_side_say_what_each_says_alone(kind):
    shape = Layered(kind, width=4, depth=2)
    students, inputs = initialise(shape, 12, 3, seeds=[(0,), (7,)]), torch.randn(5, 12)
    for run in range(2):
        assert torch.allclose(students.outputs(inputs)[run], alone(shape, students, run)(inputs), atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_of_several_networks_is_their_mean(kind):
    shape = Layered(kind, width=4)
    students, inputs = initialise(shape, 12, 3, seeds=[(0, 1, 2)]), torch.randn(5, 12)
    expected = sum(alone(shape, students, 0, member)(inputs) for member in range(3)) / 3
    assert torch.allclose(students.outputs(inputs)[0], expected, atol=1e-6)


def test_every_run_may_see_inputs_of_its_own():
    students, inputs = initialise(Layered(width=4), 12, 3, seeds=[(0,), (1,)]), torch.randn(2, 5, 12)
    both = torch.stack([students.outputs(inputs[run])[run] for run in range(2)])
    assert torch.allclose(students.outputs(inputs), both, atol=1e-6)


def test_a_convolution_sees_the_same_at_every_position():
    module = Layered("convolutional", width=2, depth=1).build(12, 3)
    inputs = torch.randn(4, 12)
    shifted = module.first(inputs.roll(3, dims=1)[:, None])
    assert torch.allclose(shifted, module.first(inputs[:, None]).roll(3, dims=-1), atol=1e-6)


def test_a_residual_network_whose_blocks_are_zero_has_one_layer():
    module = Layered("residual", width=4).build(12, 3)
    for name, parameter in module.named_parameters():
        parameter.data.mul_(0 if name.startswith("outer") else 1)
    inputs = torch.randn(4, 12)
    assert torch.allclose(module(inputs), module.last(module.first(inputs).relu()))


def test_weights_start_as_he_et_al_have_them():
    students = initialise(Layered(width=400, depth=2), 100, 10, seeds=[(0,)])
    weights = students.parameters["others.0.weight"]
    assert weights.std().item() == pytest.approx((2 / 400) ** 0.5, rel=0.02)
    assert not students.parameters["first.bias"].any()


def test_first_layers_stand_one_after_the_other():
    students = initialise(Layered("convolutional", width=4), 12, 3, seeds=[(0, 1)])
    assert students.first.shape == (1, 8, KERNEL)
    assert torch.equal(students.first[0, 4:], students.parameters["first.weight"][0, 1, :, 0])


REFUSED = [
    (
        {"kind": "recurrent"},
        "expected `network.kind` as one of linear, fully_connected, convolutional, residual, got 'recurrent'",
    ),
    ({"width": 0}, "expected `network.width` >= 1, got 0"),
    ({"depth": 0}, "expected `network.depth` >= 1, got 0"),
]


@pytest.mark.parametrize(("values", "message"), REFUSED)
def test_an_impossible_shape_is_refused(values, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Layered(**values)
