import copy

import pytest
import torch
from torch.nn.functional import cross_entropy, log_softmax

from probes.learners.images.batches import epoch_of
from probes.learners.images.images import Images
from probes.learners.images.networks import ImageNetwork
from probes.learners.images.section import ImageTraining
from probes.learners.images.stack import Stack
from probes.learners.images.targets import Hinton
from probes.learners.images.training import train

SAMPLES, SHAPE, CLASSES, RUNS = 12, (1, 12, 12), 3, 3
IDS = tuple(str(number) for number in range(SAMPLES))
DRAWS = torch.Generator().manual_seed(0)
IMAGES = Images(
    torch.rand(SAMPLES, *SHAPE, generator=DRAWS, dtype=torch.float64), torch.arange(SAMPLES) % CLASSES, IDS, CLASSES
)
TRAINING = ImageTraining(epochs=2, batch_size=5, warmup_steps=2, label_smoothing=0.1)
OPTIMIZERS = {
    "adamw": ImageTraining(epochs=2, batch_size=5, warmup_steps=2, weight_decay=0.1, augment="crop+flip"),
    "sgd": ImageTraining("sgd", 0.1, 0.01, epochs=2, batch_size=5, schedule="step", nesterov=True),
    "smoothed": TRAINING,
}


def networks(kind="mlp", **more):
    network = ImageNetwork(kind, widths=(6, 5), **more)
    return [network.build(SHAPE, CLASSES, seed=seed).double() for seed in range(RUNS)]


def plainly(network, training, seed, *, soft=None):
    """The loop that anybody would write, for one network."""
    optimizer = training.optimizer_of(network.parameters())
    step, steps = 0, training.steps(SAMPLES)
    for epoch in range(training.epochs):
        for batch in epoch_of(IMAGES, [seed], epoch, size=training.batch_size, augment=training.augment):
            optimizer.param_groups[0]["lr"] = training.rate(step, steps)
            logits = network(batch.inputs[0])
            loss = cross_entropy(logits, batch.labels[0], label_smoothing=training.label_smoothing)
            if soft is not None:
                loss = (1 - soft.mixing) * loss + soft.mixing * divergence(soft, logits, batch.rows[0])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1


def divergence(soft, logits, rows):
    total = 0.0
    for sample, row in enumerate(rows):
        teacher = log_softmax(soft.logits[row] / soft.temperature, 0)
        student = log_softmax(logits[sample] / soft.temperature, 0)
        total += soft.temperature**2 * sum(t.exp() * (t - s) for t, s in zip(teacher, student, strict=True))
    return total / len(rows)


def assert_same(stack, alone):
    for run, network in enumerate(alone):
        for name, weights in network.named_parameters():
            torch.testing.assert_close(stack.weights[name][run], weights, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("training", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("network", [{"kind": "mlp"}, {"kind": "conv"}, {"kind": "conv", "batch_norm": True}], ids=str)
def test_runs_together_train_as_each_does_alone(training, network):
    alone = networks(**network)
    stack = Stack(alone)
    train(stack, IMAGES, training, order_seeds=[4, 5, 6])
    for seed, one in zip([4, 5, 6], alone, strict=True):
        plainly(one, training, seed)

    assert_same(stack, alone)


def test_students_learn_labels_and_soft_targets_in_their_shares():
    alone, soft = (
        networks(),
        Hinton(torch.randn(SAMPLES, CLASSES, generator=DRAWS).double(), temperature=3.0, mixing=0.7),
    )
    stack = Stack(alone)
    train(stack, IMAGES, TRAINING, order_seeds=[0, 1, 2], targets=soft)
    for seed, one in enumerate(alone):
        plainly(one, TRAINING, seed, soft=soft)

    assert_same(stack, alone)


def test_each_student_has_its_own_teacher_where_there_are_several():
    alone, logits = networks(), torch.randn(RUNS, SAMPLES, CLASSES, generator=DRAWS).double()
    stack = Stack(alone)
    train(stack, IMAGES, TRAINING, order_seeds=[0, 1, 2], targets=Hinton(logits))
    for seed, one in enumerate(alone):
        plainly(one, TRAINING, seed, soft=Hinton(logits[seed]))

    assert_same(stack, alone)


def test_a_trained_average_moves_its_members_by_the_loss_of_their_mean_logits():
    members = networks()
    stack = Stack(members)
    train(stack, IMAGES, TRAINING, order_seeds=[7], members=RUNS)
    mean = torch.nn.ModuleList(members)
    mean.forward = lambda inputs: sum(member(inputs) for member in members) / RUNS
    plainly(mean, TRAINING, 7)

    assert_same(stack, members)


def test_training_resumed_from_a_state_ends_where_it_would_have():
    whole, states = Stack(networks()), []
    half = copy.deepcopy(whole)
    train(whole, IMAGES, TRAINING, order_seeds=[0, 1, 2], on_step=lambda now: states.append(copy.deepcopy(now.state())))
    shown = []
    train(half, IMAGES, TRAINING, order_seeds=[0, 1, 2], resume=states[4], on_step=shown.append)

    assert [progress.step for progress in shown] == [4, 5, 6]
    assert all(value.equal(whole.state_dict()[name]) for name, value in half.state_dict().items())


def test_one_loader_serves_all_runs_and_its_rows_find_the_soft_targets():
    alone, soft = networks(), Hinton(torch.randn(SAMPLES, CLASSES, generator=DRAWS).double())
    stack, training = Stack(alone), ImageTraining(epochs=1, batch_size=5)
    (order,) = [torch.cat([batch.rows[0] for batch in epoch_of(IMAGES, [3], 0, size=5)])]
    loader = torch.utils.data.DataLoader([(IMAGES.inputs[row], IMAGES.labels[row], row) for row in order], batch_size=5)
    train(stack, loader, training, targets=soft)
    for one in alone:
        plainly(one, training, 3, soft=soft)

    assert_same(stack, alone)


def test_bfloat16_moves_weights_nearly_as_float32_does():
    both = [Stack([network.float() for network in networks("conv")]) for _ in range(2)]
    images = Images(IMAGES.inputs.float(), IMAGES.labels, IDS, CLASSES)
    for stack, amp in zip(both, (False, True), strict=True):
        train(stack, images, ImageTraining("sgd", 0.1, epochs=2, batch_size=5, amp=amp), order_seeds=[0, 1, 2])

    exact, coarse = (torch.cat([weights.detach().flatten() for weights in stack.weights.values()]) for stack in both)
    assert 0 < float((exact - coarse).abs().max()) < 1e-2
    assert coarse.dtype == torch.float32


def test_a_run_that_diverges_leaves_the_others_as_they_are():
    alone = networks()
    stack = Stack(alone)
    with torch.no_grad():
        stack.weights["1.weight"][1] = torch.nan
    train(stack, IMAGES, TRAINING, order_seeds=[0, 1, 2])
    for seed, one in ((0, alone[0]), (2, alone[2])):
        plainly(one, TRAINING, seed)

    assert_same(stack.select([0, 2]), [alone[0], alone[2]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"order_seeds": [0]}, "expected one of `order_seeds` for each of 3 runs, got 1"),
        ({"members": 2}, "expected runs in groups of 2 `members`, got 3 runs"),
        (
            {"targets": Hinton(torch.zeros(2, SAMPLES, CLASSES))},
            "expected one teacher for all runs, or one for each of 3, got 2",
        ),
        ({"targets": Hinton(torch.zeros(4, CLASSES))}, "expected `targets` of 12 samples, got 4"),
    ],
)
def test_what_does_not_fit_the_runs_is_refused(change, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        train(Stack(networks()), IMAGES, TRAINING, **{"order_seeds": [0, 1, 2], **change})


@pytest.mark.parametrize(
    ("loaders", "targets", "message"),
    [
        (
            [[(torch.zeros(2, *SHAPE), torch.zeros(2))]] * 2,
            None,
            "expected one loader for all runs, or one for each of 3, got 2",
        ),
        (
            [[torch.zeros(2, *SHAPE)]],
            None,
            r"expected batches \(inputs, labels\) or \(inputs, labels, rows\) of a loader, got Tensor",
        ),
        (
            [[(torch.zeros(2, *SHAPE).double(), torch.zeros(2, dtype=torch.int64))]],
            Hinton(torch.zeros(2, CLASSES)),
            r"expected batches \(inputs, labels, rows\) of a loader where there are `targets`, got \(inputs, labels\)",
        ),
    ],
)
def test_loaders_that_do_not_fit_are_refused(loaders, targets, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        train(Stack(networks()), loaders, ImageTraining(epochs=1), targets=targets)
