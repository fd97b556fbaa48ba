import re
from dataclasses import replace

import pytest
import torch

from probes.learners.activations import SmoothedReLU
from probes.learners.features import orthonormal_features
from probes.learners.multiview import MultiView
from probes.learners.networks import initialise
from probes.learners.objectives import CrossEntropy, Distillation
from probes.learners.optimizers import Optimizer, batch_of
from probes.learners.training import train
from tests.learners.explicit import PlainNetwork, explicit_patches, explicit_weights

DATA = MultiView(classes=3, patches=9, feature_patches=2, sparsity=1.0, single_view_share=0.25, background_noise=0.8)
TEACHER = 6 * torch.rand(24, 1, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
DISTILLATION = Distillation(TEACHER, 0.5, 4.0)
STEPS, BOTH = 20, [5, 6]

RULES = {
    "batches": (Optimizer(batch_size=7), 1.5),
    "momentum": (Optimizer(momentum=0.9), 0.3),
    "momentum in batches": (Optimizer(batch_size=7, momentum=0.8), 0.3),
    "adam": (Optimizer("adam"), 0.05),
    "adam in batches": (Optimizer("adam", batch_size=10, betas=(0.8, 0.9), eps=1e-4), 0.05),
}
rules = pytest.mark.parametrize(("optimizer", "rate"), RULES.values(), ids=list(RULES))
remembering = pytest.mark.parametrize("optimizer", [Optimizer(momentum=0.9), Optimizer("adam")], ids=["sgd", "adam"])


def private():
    return DATA.sample(24, seed=0).private().to(torch.float64)


def gaussian():
    return DATA.sample(24, seed=0).gaussian(orthonormal_features(3, 30, seed=0), seed=1).to(torch.float64)


def start(inputs, seeds=BOTH):
    return initialise(inputs, SmoothedReLU(3, 0.5), classes=3, neurons=4, init_scale=0.3, seeds=seeds)


def torch_optimizer(optimizer, parameters, rate):
    if optimizer.name == "adam":
        return torch.optim.Adam(parameters, lr=rate, betas=optimizer.betas, eps=optimizer.eps)
    return torch.optim.SGD(parameters, lr=rate, momentum=optimizer.momentum)


def plainly(weight, patches, labels, seed, optimizer, rate, teacher=None):
    """One network in full dimension, trained by torch.optim and autograd on the batches of its seed."""
    network = PlainNetwork(weight, 3, 0.5)
    rule = torch_optimizer(optimizer, network.parameters(), rate)
    for step in range(STEPS):
        size = optimizer.batch_size or len(labels)
        batch = batch_of([seed], step, samples=len(labels), size=size)
        outputs = network(patches[batch])
        loss = torch.nn.functional.cross_entropy(outputs, labels[batch])
        if teacher is not None:  # its pull as a constant
            pull = Distillation(teacher[batch], 0.5, 4.0).taught(outputs.detach().unsqueeze(1), slice(None))
            loss -= (pull[:, 0] * outputs).sum() / len(batch)
        rule.zero_grad()
        loss.backward()
        rule.step()
    return network.weight


@rules
@pytest.mark.parametrize("objective", [CrossEntropy(), DISTILLATION], ids=["labels", "teacher"])
def test_the_private_form_is_the_explicit_model_trained_by_torch_optim(optimizer, rate, objective):
    inputs, patches, begin = private(), explicit_patches(private()), start(private())
    trained, _ = train(begin, inputs, objective, steps=STEPS, learning_rate=rate, optimizer=optimizer)
    for run, seed in enumerate(BOTH):
        weight, teacher = explicit_weights(begin, inputs)[run], getattr(objective, "teacher", None)
        expected = plainly(weight, patches, inputs.labels, seed, optimizer, rate, teacher)
        assert (expected - weight).abs().max() > 0.1
        torch.testing.assert_close(explicit_weights(trained, inputs)[run], expected, rtol=0, atol=1e-9)


@rules
def test_the_gaussian_form_is_the_plain_model_trained_by_torch_optim(optimizer, rate):
    inputs, begin = gaussian(), start(gaussian())
    trained, _ = train(begin, inputs, CrossEntropy(), steps=STEPS, learning_rate=rate, optimizer=optimizer)
    for run, seed in enumerate(BOTH):
        expected = plainly(begin.by_neuron[run], inputs.design, inputs.labels, seed, optimizer, rate)
        torch.testing.assert_close(trained.by_neuron[run], expected, rtol=0, atol=1e-9)


def test_one_batch_of_all_samples_is_the_full_batch():
    inputs, begin = private(), start(private())
    whole, _ = train(begin, inputs, CrossEntropy(), steps=9, learning_rate=1.0)
    batch, _ = train(begin, inputs, CrossEntropy(), steps=9, learning_rate=1.0, optimizer=Optimizer(batch_size=24))
    torch.testing.assert_close(batch.weights, whole.weights)
    torch.testing.assert_close(batch.memory, whole.memory)


def test_the_average_of_members_is_trained_as_fast_as_each_alone():
    inputs, begin = private(), start(private(), [(5, 6)])
    trained, _ = train(begin, inputs, CrossEntropy(), steps=1, learning_rate=0.1, optimizer=Optimizer("adam"))
    moved = (explicit_weights(trained, inputs) - explicit_weights(begin, inputs)).abs()
    assert moved.max().item() == pytest.approx(0.1, rel=1e-3)


def test_an_epoch_shows_every_sample_once_in_an_order_of_the_run_and_the_epoch():
    epochs = [
        [batch_of([seed], 4 * epoch + step, samples=10, size=3) for step in range(4)]
        for seed in (0, 1)
        for epoch in (0, 1)
    ]
    orders = [torch.cat(batches).tolist() for batches in epochs]
    assert [len(batch) for batch in epochs[0]] == [3, 3, 3, 1]
    assert [sorted(order) for order in orders] == [list(range(10))] * 4
    assert len(set(map(tuple, orders))) == 4


@rules
def test_a_run_beside_others_is_the_run_alone(optimizer, rate):
    inputs = private()
    beside, alone = (
        train(start(inputs, seeds), inputs, CrossEntropy(), steps=9, learning_rate=rate, optimizer=optimizer)[0]
        for seeds in ([3, 4, 5], [4])
    )
    torch.testing.assert_close(beside.weights[:, 1:2], alone.weights)
    torch.testing.assert_close(beside.memory[:, :, 1:2], alone.memory)


@rules
def test_a_run_that_diverges_leaves_and_the_others_go_on(optimizer, rate):
    inputs, whole = private(), start(private(), [3, 4, 5])
    broken = replace(whole, weights=whole.weights.clone())
    broken.weights[:, 1] = torch.nan
    settings = {"steps": 9, "learning_rate": rate, "optimizer": optimizer}
    trained, kept = train(broken, inputs, CrossEntropy(), **settings)
    expected, _ = train(whole.select([0, 2]), inputs, CrossEntropy(), **settings)
    assert kept == (0, 2)
    torch.testing.assert_close(trained.weights, expected.weights)
    torch.testing.assert_close(trained.memory, expected.memory)


@rules
@pytest.mark.parametrize("cut", [1, 5])
def test_training_goes_on_to_the_bit_from_what_was_kept_between_two_steps(optimizer, rate, cut):
    inputs, kept = private(), {}

    def keep(step, runs, networks, moments):
        kept[step] = networks.select(runs), {name: values.clone() for name, values in moments.items()}

    settings = {"steps": 9, "learning_rate": rate, "optimizer": optimizer}
    whole, _ = train(start(inputs), inputs, CrossEntropy(), **settings, on_update=keep)
    again, _ = train(kept[cut][0], inputs, CrossEntropy(), **settings, first=cut, moments=kept[cut][1])
    assert torch.equal(again.weights, whole.weights)
    assert torch.equal(again.memory, whole.memory)


def test_what_is_kept_stays_as_it_is_while_training_goes_on_from_it():
    inputs, optimizer = private(), Optimizer(momentum=0.5)
    moments = {
        f"{part}.momentum_buffer": torch.ones_like(getattr(start(inputs), part)) for part in ("weights", "memory")
    }
    settings = {"learning_rate": 0.1, "optimizer": optimizer, "moments": moments}
    train(start(inputs), inputs, CrossEntropy(), steps=3, first=1, **settings)
    assert all((values == 1).all() for values in moments.values())


def test_a_step_reports_the_loss_of_its_batch():
    inputs, shown = private(), []
    settings = {"steps": 3, "learning_rate": 0.0, "optimizer": Optimizer(batch_size=10)}
    networks, _ = train(start(inputs), inputs, CrossEntropy(), **settings, on_step=shown.append)
    outputs = networks.outputs(inputs, networks.memory)
    for state in shown:
        batches = [batch_of([seed], state.step, samples=24, size=10) for seed in BOTH]
        expected = [
            torch.nn.functional.cross_entropy(outputs[run, batch], inputs.labels[batch]).item()
            for run, batch in enumerate(batches)
        ]
        assert state.scalars["loss"].tolist() == pytest.approx(expected)


def test_the_moves_of_batches_are_what_the_weights_move_by():
    inputs, weights, moves = private(), [], []

    def keep(state):
        weights.append(state.weights.clone())
        moves.append({name: move.clone() for name, move in state.moves.items()})

    settings = {"steps": 4, "learning_rate": 1.0, "optimizer": Optimizer(batch_size=7), "moves": True}
    train(start(inputs), inputs, DISTILLATION, **settings, on_step=keep)
    for step in range(4):
        torch.testing.assert_close(sum(moves[step].values()), weights[step + 1] - weights[step])
        assert list(moves[step]) == ["cross_entropy", "distillation"]


REFUSED = {
    'expected `optimizer` "sgd" or "adam", got \'lion\'': {"name": "lion"},
    "expected `batch_size` >= 0 (0: all samples), got -1": {"batch_size": -1},
    "expected `momentum` in [0, 1), got 1.0": {"momentum": 1.0},
    "expected `momentum` 0 for adam, whose first of `betas` is its momentum, got 0.9": {
        "name": "adam",
        "momentum": 0.9,
    },
    "expected `betas` in [0, 1), got [0.9, 1.0]": {"betas": (0.9, 1.0)},
    "expected `eps` > 0, got 0.0": {"eps": 0.0},
}


@pytest.mark.parametrize(("message", "settings"), REFUSED.items(), ids=list(REFUSED))
def test_what_cannot_be_is_refused_with_the_reason(message, settings):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Optimizer(**settings)


@remembering
def test_moves_are_refused_where_an_update_is_no_sum_over_terms(optimizer):
    message = (
        f"expected an optimizer without memory for `moves`, got {optimizer}: what momentum and adam add is no sum "
    )
    message += "over the terms of the objective"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        train(start(private()), private(), CrossEntropy(), steps=1, learning_rate=1.0, optimizer=optimizer, moves=True)


@remembering
def test_to_go_on_without_what_is_remembered_is_refused(optimizer):
    message = f"expected `moments` to go on with {optimizer} from step 2, got none"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        train(start(private()), private(), CrossEntropy(), steps=3, learning_rate=1.0, optimizer=optimizer, first=2)
