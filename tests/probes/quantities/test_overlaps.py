import math

import pytest
import torch
from torch import nn

from probes.directions import Directions
from probes.errors import UsageError
from probes.quantities import State, overlaps

CHANCE = torch.Generator().manual_seed(0)
STUDENT = torch.randn(4, 3, 2, 2, generator=CHANCE)
TEACHER = torch.randn(2, 12, generator=CHANCE)


def inner(one, other):
    return math.fsum(float(a) * float(b) for a, b in zip(one.flatten(), other.flatten(), strict=True))


def cosine(one, other):
    return inner(one, other) / math.sqrt(inner(one, one) * inner(other, other))


@pytest.mark.parametrize(("normalised", "of"), [(False, inner), (True, cosine)])
def test_overlaps_are_those_of_every_pair_of_neurons(normalised, of):
    state = State(0, {"conv": STUDENT})
    own = overlaps("conv", normalised=normalised)(state)
    teachers = overlaps("conv", TEACHER, normalised=normalised)(state)

    torch.testing.assert_close(own, torch.tensor([[of(one, other) for other in STUDENT] for one in STUDENT]))
    torch.testing.assert_close(teachers, torch.tensor([[of(one, unit) for unit in TEACHER] for one in STUDENT]))


def test_orthonormal_neurons_overlap_with_themselves_alone():
    weight = nn.init.orthogonal_(torch.empty(5, 9), generator=CHANCE)

    torch.testing.assert_close(overlaps("w")(State(0, {"w": weight})), torch.eye(5), atol=1e-6, rtol=0)
    torch.testing.assert_close(overlaps("w", weight)(State(0, {"w": weight})), torch.eye(5), atol=1e-6, rtol=0)


def test_neurons_of_each_class_are_compared_with_each_other():
    weight = torch.randn(3, 4, 6, generator=CHANCE)
    quantity = overlaps("w", dims=("class", "neuron"))
    values = quantity(State(0, {"w": weight}))

    assert quantity.dims == ("class", "neuron", "other_neuron")
    torch.testing.assert_close(values, torch.stack([overlaps("w")(State(0, {"w": one})) for one in weight]))


def test_neurons_may_be_columns():
    state, turned = State(0, {"w": TEACHER}), State(0, {"w": TEACHER.T})

    torch.testing.assert_close(overlaps("w", transposed=True)(turned), overlaps("w")(state))


def test_a_teacher_is_a_network_its_weight_or_directions():
    teacher = nn.Sequential(nn.Linear(12, 2), nn.Tanh())
    state, weight = State(0, {"conv": STUDENT}), teacher[0].weight
    named = overlaps("conv", Directions(weight, ("expert",), labels={"expert": ("left", "right")}))
    first = overlaps("conv", teacher)(state)

    assert torch.equal(first, overlaps("conv", weight)(state))
    assert torch.equal(first, named(state))
    assert (named.name, named.dims, named.labels) == (
        "conv.teacher_overlaps",
        ("neuron", "expert"),
        {"expert": ("left", "right")},
    )
    with torch.no_grad():
        weight.zero_()
    assert torch.equal(first, named(state))


def test_a_neuron_without_weights_has_cosine_zero():
    values = overlaps("w", normalised=True)(State(0, {"w": torch.tensor([[0.0, 0.0], [1.0, 1.0]])}))

    torch.testing.assert_close(values, torch.tensor([[0.0, 0.0], [0.0, 1.0]]))


def test_overlaps_are_exact_under_autocast():
    state = State(0, {"conv": STUDENT})
    plain = overlaps("conv")(state)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(overlaps("conv")(state), plain)


def test_a_teacher_of_another_width_is_refused():
    expected = "expected a teacher of dim 12 as `conv` of shape (4, 3, 2, 2) is, got Directions(teacher_unit=2, dim=5)"
    with pytest.raises(UsageError) as raised:
        overlaps("conv", torch.ones(2, 5))(State(0, {"conv": STUDENT}))

    assert str(raised.value) == expected


def test_a_parameter_without_further_axes_is_refused():
    expected = "expected `bias` of 2 axes or more, got shape (4,); choose a weight, or name fewer of its leading axes"
    with pytest.raises(UsageError) as raised:
        overlaps("bias")(State(0, {"bias": torch.ones(4)}))

    assert str(raised.value) == expected
