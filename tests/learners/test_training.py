from dataclasses import replace

import pytest
import torch

from probes.learners.activations import SmoothedReLU
from probes.learners.features import orthonormal_features
from probes.learners.multiview import MultiView
from probes.learners.networks import initialise
from probes.learners.objectives import CrossEntropy, Distillation
from probes.learners.training import train
from tests.learners.explicit import PlainNetwork, explicit_patches, explicit_weights

DATA = MultiView(classes=3, patches=9, feature_patches=2, sparsity=1.0, single_view_share=0.25, background_noise=0.8)
Q, THRESHOLD = 3, 0.5


def private(dtype=torch.float64, samples=24):
    return DATA.sample(samples, seed=0).private().to(dtype)


def start(inputs, seeds, scale=0.3):
    return initialise(inputs, SmoothedReLU(Q, THRESHOLD), classes=3, neurons=4, init_scale=scale, seeds=seeds)


def losses(objective, outputs, labels, run):
    """The scalar that autograd differentiates: cross-entropy, and the pull of distillation as a constant."""
    loss = torch.nn.functional.cross_entropy(outputs, labels)
    if isinstance(objective, Distillation):
        stacked = outputs.detach().unsqueeze(1)
        pull = objective.pull(stacked, labels, slice(None)) - CrossEntropy().pull(stacked, labels, slice(None))
        loss = loss - (pull[:, 0] * outputs).sum() / len(labels)
    return loss


def plain_descent(weight, patches, labels, objective, steps, rate, scale=1.0):
    network = PlainNetwork(weight, Q, THRESHOLD, scale)
    for _ in range(steps):
        (gradient,) = torch.autograd.grad(losses(objective, network(patches), labels, 0), network.weight)
        network.weight.data -= rate * gradient
    return network


@pytest.mark.parametrize(
    "objective",
    [
        CrossEntropy(),
        Distillation(
            6 * torch.rand(24, 1, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64), 0.5, 4.0
        ),
        Distillation(
            6 * torch.rand(24, 1, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64),
            0.5,
            4.0,
            "literal",
        ),
    ],
    ids=["cross-entropy", "stopped", "literal"],
)
def test_the_private_form_is_the_explicit_model_differentiated_by_autograd(objective):
    inputs, patches = private(), explicit_patches(private())
    begin = start(inputs, [5, 6])
    trained, _ = train(begin, inputs, objective, steps=50, learning_rate=1.5)
    for run in range(2):
        plain = plain_descent(explicit_weights(begin, inputs)[run], patches, inputs.labels, objective, 50, 1.5)
        found = explicit_weights(trained, inputs)[run]
        assert (found - plain.weight).abs().max().item() < 1e-10
        assert found.abs().max().item() > 1.0


def test_the_gaussian_form_is_the_plain_model_differentiated_by_autograd():
    features = orthonormal_features(3, 30, seed=0)
    inputs = DATA.sample(24, seed=0).gaussian(features, seed=1).to(torch.float64)
    begin = start(inputs, [5, 6])
    trained, _ = train(begin, inputs, CrossEntropy(), steps=50, learning_rate=1.5)
    for run in range(2):
        plain = plain_descent(begin.by_neuron[run], inputs.design, inputs.labels, CrossEntropy(), 50, 1.5)
        assert (trained.by_neuron[run] - plain.weight).abs().max().item() < 1e-10


def test_in_single_precision_the_private_form_stays_within_1e_6_of_the_explicit_model():
    inputs = private(torch.float32)
    begin = start(inputs, [5], scale=0.1)
    trained, _ = train(begin, inputs, CrossEntropy(), steps=50, learning_rate=0.5)
    exact = plain_descent(
        explicit_weights(begin, inputs)[0].double(),
        explicit_patches(inputs).double(),
        inputs.labels,
        CrossEntropy(),
        50,
        0.5,
    )
    assert (explicit_weights(trained, inputs)[0] - exact.weight).abs().max().item() < 1e-6


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_training_the_average_is_training_the_scaled_mean_of_the_members_outputs(scale):
    inputs, patches = private(), explicit_patches(private())
    begin = replace(start(inputs, [(5, 6, 7)]), scale=scale)
    trained, _ = train(begin, inputs, CrossEntropy(), steps=50, learning_rate=1.5)
    weight = explicit_weights(begin, inputs)[0]
    plain = plain_descent(weight, patches, inputs.labels, CrossEntropy(), 50, 1.5 * 3 / scale, scale=scale / 3)
    assert (explicit_weights(trained, inputs)[0] - plain.weight).abs().max().item() < 1e-10


def test_an_average_starts_as_the_mean_of_its_members():
    inputs = private()
    average, members = start(inputs, [(5, 6, 7)]), start(inputs, [5, 6, 7])
    assert torch.equal(average.weights[:, 0, :, 4:8], members.weights[:, 1])
    mean = members.outputs(inputs, members.memory).mean(0)
    assert torch.allclose(average.outputs(inputs, average.memory)[0], mean, atol=1e-14)


def test_the_outputs_are_those_of_the_plain_network():
    inputs = private()
    networks = start(inputs, [5, 6])
    for run in range(2):
        plain = PlainNetwork(explicit_weights(networks, inputs)[run], Q, THRESHOLD)(explicit_patches(inputs))
        assert torch.allclose(networks.outputs(inputs, networks.memory)[run], plain, atol=1e-13)


def test_the_same_seed_gives_the_same_bits():
    inputs = private(torch.float32)
    first, second = (train(start(inputs, [3, 4]), inputs, CrossEntropy(), steps=30, learning_rate=1.0)[0] for _ in "ab")
    assert torch.equal(first.weights, second.weights)
    assert torch.equal(first.memory, second.memory)


def test_a_run_beside_others_is_the_run_alone():
    inputs = private(torch.float32)
    beside, _ = train(start(inputs, [3, 4, 5]), inputs, CrossEntropy(), steps=30, learning_rate=1.0)
    alone, _ = train(start(inputs, [4]), inputs, CrossEntropy(), steps=30, learning_rate=1.0)
    assert torch.equal(start(inputs, [3, 4, 5]).weights[:, 1:2], start(inputs, [4]).weights)
    assert torch.allclose(beside.weights[:, 1:2], alone.weights, rtol=1e-5, atol=1e-6)


def test_every_step_is_shown_with_the_state_after_that_many_updates():
    inputs, seen = private(), []
    networks = start(inputs, [3])
    train(
        networks,
        inputs,
        CrossEntropy(),
        steps=4,
        learning_rate=1.0,
        on_step=lambda state: seen.append((state.step, state.weights.clone(), state.scalars["loss"].item())),
    )
    assert [step for step, _, _ in seen] == [0, 1, 2, 3, 4]
    for step, weights, loss in seen:
        expected, _ = train(networks, inputs, CrossEntropy(), steps=step, learning_rate=1.0)
        assert torch.equal(weights, expected.by_neuron)
        value = CrossEntropy().scalars(expected.outputs(inputs, expected.memory).transpose(0, 1), inputs.labels)["loss"]
        assert loss == pytest.approx(value.item(), abs=1e-12)


def test_training_leaves_the_networks_it_started_from_as_they_were():
    inputs = private()
    networks = start(inputs, [3])
    before = networks.weights.clone(), networks.memory.clone()
    train(networks, inputs, CrossEntropy(), steps=5, learning_rate=1.0)
    assert torch.equal(networks.weights, before[0])
    assert torch.equal(networks.memory, before[1])


def test_a_run_that_diverges_leaves_and_the_others_go_on_as_if_it_had_never_been():
    inputs, seen = private(), {}
    networks = start(inputs, [3, 4, 5])
    broken = replace(networks, weights=networks.weights.clone())
    broken.weights[:, 1] = torch.nan
    trained, kept = train(
        broken,
        inputs,
        CrossEntropy(),
        steps=20,
        learning_rate=1.0,
        on_step=lambda state: seen.setdefault(state.step, state.runs),
    )
    expected, _ = train(networks.select([0, 2]), inputs, CrossEntropy(), steps=20, learning_rate=1.0)
    assert kept == (0, 2)
    assert set(seen.values()) == {(0, 2)}
    assert torch.allclose(trained.weights, expected.weights, atol=1e-12)


def test_when_every_run_has_diverged_training_ends():
    inputs, steps = private(), []
    broken = replace(start(inputs, [3]), weights=torch.full((6, 1, 3, 4), torch.nan, dtype=torch.float64))
    trained, kept = train(
        broken, inputs, CrossEntropy(), steps=20, learning_rate=1.0, on_step=lambda state: steps.append(state.step)
    )
    assert (trained.runs, kept, steps) == (0, (), [])


@pytest.mark.parametrize("cut", [1, 4, 9])
def test_training_goes_on_to_the_bit_from_networks_that_were_kept_between_two_steps(cut):
    inputs, kept, shown = private(torch.float32), {}, {}
    whole, _ = train(
        start(inputs, [0, 1]),
        inputs,
        CrossEntropy(),
        steps=10,
        learning_rate=1.0,
        on_step=lambda state: shown.setdefault(state.step, state.weights.clone()),
        on_update=lambda step, runs, networks, moments: kept.setdefault(step, networks.select(runs)),
    )
    again, _ = train(kept[cut], inputs, CrossEntropy(), steps=10, learning_rate=1.0, first=cut)

    assert torch.equal(kept[cut].by_neuron, shown[cut])
    assert torch.equal(again.weights, whole.weights)
    assert torch.equal(again.memory, whole.memory)


@pytest.mark.parametrize("update", ["stopped", "literal"])
def test_the_moves_of_both_terms_add_up_and_each_is_that_of_its_pull_alone(update):
    inputs, networks = private(), start(private(), [3, 4])
    teacher = torch.rand(24, 1, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 9
    weights, moves = [], []

    def keep(state):
        weights.append(state.weights.clone())
        moves.append({name: move.clone() for name, move in state.moves.items()})

    train(
        networks, inputs, Distillation(teacher, 0.5, 6.0, update), steps=3, learning_rate=1.0, moves=True, on_step=keep
    )
    for step in range(3):
        torch.testing.assert_close(sum(moves[step].values()), weights[step + 1] - weights[step])
    labels_alone, _ = train(networks, inputs, CrossEntropy(), steps=1, learning_rate=1.0)
    torch.testing.assert_close(moves[0]["cross_entropy"], labels_alone.by_neuron - networks.by_neuron)
    assert moves[0]["distillation"].abs().max() > 0.1 * moves[0]["cross_entropy"].abs().max()
    assert not moves[3]["distillation"].any()


def test_without_a_teacher_labels_alone_move_the_weights():
    inputs, names = private(), []
    train(
        start(inputs, [3]),
        inputs,
        CrossEntropy(),
        steps=1,
        learning_rate=1.0,
        moves=True,
        on_step=lambda state: names.append(list(state.moves)),
    )
    assert names == [["cross_entropy"]] * 2
