import pytest
import torch
from torch import nn

from probes.errors import UsageError
from probes.quantities import ProbeBatch, State, active_share, dormant_share

CHANCE = torch.Generator().manual_seed(0)
OUTPUTS = torch.randn(6, 4, 3, generator=CHANCE)  # sample, unit, position
MODEL = nn.Sequential(nn.ReLU())


def batch_of(outputs):
    return ProbeBatch(outputs)


def looked_at(quantity, model=MODEL):
    return quantity(State(0, {}, model))


def test_shares_are_counted_over_samples_and_positions():
    expected = [sum(float(value) > 0 for sample in OUTPUTS for value in sample[unit]) / (6 * 3) for unit in range(4)]

    torch.testing.assert_close(looked_at(active_share("0", batch_of(OUTPUTS))), torch.tensor(expected))


def test_the_units_may_be_on_the_last_axis():
    turned = batch_of(OUTPUTS.transpose(1, 2))

    for quantity in (active_share, dormant_share):
        assert torch.equal(looked_at(quantity("0", turned, axis=-1)), looked_at(quantity("0", batch_of(OUTPUTS))))


def test_what_comes_before_a_relu_is_active_at_the_same_samples():
    model = nn.Sequential(nn.Identity(), nn.ReLU())
    batch = batch_of(OUTPUTS)

    assert torch.equal(looked_at(active_share("0", batch), model), looked_at(active_share("1", batch), model))


@pytest.mark.parametrize("tau", [0.0, 0.5, 1.0])
def test_dead_and_dormant_units_are_those_of_the_definitions(tau):
    outputs = OUTPUTS.clone()
    outputs[:, 1] = -1
    outputs[:, 2] /= 100
    scores = [sum(max(0, float(value)) for sample in outputs for value in sample[unit]) for unit in range(4)]
    mean = sum(scores) / 4
    expected = [1 / 4, sum(score / mean <= tau for score in scores) / 4]

    assert looked_at(dormant_share("0", batch_of(outputs), tau=tau)).tolist() == expected


def test_a_silent_layer_is_all_dead_and_all_dormant():
    silent = batch_of(-torch.ones(3, 2))

    assert looked_at(active_share("0", silent)).tolist() == [0, 0]
    assert looked_at(dormant_share("0", silent)).tolist() == [1, 1]


def test_both_share_the_forward_pass_of_their_batch():
    passes = []
    model = nn.Sequential(nn.ReLU())
    model[0].forward = lambda values: passes.append(1) or values
    batch, state = batch_of(OUTPUTS), State(0, {}, model)
    active_share("0", batch)(state)
    dormant_share("0", batch)(state)

    assert passes == [1]


@pytest.mark.parametrize("axis", [0, 3, -3])
def test_an_axis_that_is_none_of_units_is_refused(axis):
    expected = f"expected `axis` of the units of `0`, whose output is (6, 4, 3), after that of samples, got {axis}"
    with pytest.raises(UsageError) as raised:
        looked_at(active_share("0", batch_of(OUTPUTS), axis=axis))

    assert str(raised.value) == expected


def test_a_module_that_is_not_there_is_named():
    with pytest.raises(UsageError, match=r"^expected a module of the model, one of 0; got `relu`$"):
        looked_at(dormant_share("relu", batch_of(OUTPUTS)))


def test_a_negative_tau_is_refused():
    with pytest.raises(ValueError, match=r"^expected `tau` of 0 or more, got -0\.1$"):
        dormant_share("0", batch_of(OUTPUTS), tau=-0.1)
