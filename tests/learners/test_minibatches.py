import re

import pytest
import torch

from probes.learners.layered import KINDS, Layered, Students, initialise
from probes.learners.minibatches import Minibatches, train_students

INPUTS = torch.randn(30, 12, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(30) % 3
QUICK = {"samples": 30, "steps": 8, "batch_size": 7, "learning_rate": 0.02}


def by_a_plain_loop(shape, students, training, seed):
    """Train the members of one run as anybody would: modules, an optimizer, a loss."""
    modules = [shape.build(12, 3) for _ in range(students.members)]
    for member, module in enumerate(modules):
        module.load_state_dict({name: values[0, member] for name, values in students.parameters.items()})
    optimizer = training.built([parameter for module in modules for parameter in module.parameters()])
    order = training.batches(seed)
    for step in range(training.steps):
        chosen = next(order)
        optimizer.param_groups[0]["lr"] = training.learning_rate * (1 - step / training.steps)
        outputs = sum(module(INPUTS[chosen]) for module in modules) / len(modules)
        optimizer.zero_grad()
        (len(modules) * torch.nn.functional.cross_entropy(outputs, LABELS[chosen])).backward()
        optimizer.step()
    return modules


def assert_same(module, trained, run, member):
    for name, parameter in module.named_parameters():
        assert torch.allclose(parameter, trained.parameters[name][run, member], atol=2e-5), name


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_side_by_side_each_network_trains_as_it_would_alone(kind, optimizer):
    shape, training = Layered(kind, width=4), Minibatches(optimizer=optimizer, weight_decay=0.1, **QUICK)
    trained, _ = train_students(initialise(shape, 12, 3, seeds=[(0,), (1,)]), INPUTS, LABELS, training, seeds=[0, 1])
    for run in range(2):
        start = initialise(shape, 12, 3, seeds=[(run,)])
        assert_same(by_a_plain_loop(shape, start, training, run)[0], trained, run, 0)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_members_of_an_average_train_on_its_loss_as_fast_as_one_network(optimizer):
    shape, training = Layered(width=4), Minibatches(optimizer=optimizer, weight_decay=0.0, **QUICK)
    start = initialise(shape, 12, 3, seeds=[(0, 1, 2)])
    trained, _ = train_students(start, INPUTS, LABELS, training, seeds=[5])
    for member, module in enumerate(by_a_plain_loop(shape, start, training, 5)):
        assert_same(module, trained, 0, member)


def test_training_leaves_the_networks_it_began_with():
    start = initialise(Layered(width=4), 12, 3, seeds=[(0,)])
    kept = start.first.clone()
    train_students(start, INPUTS, LABELS, Minibatches(**QUICK), seeds=[0])
    assert torch.equal(start.first, kept)


def test_every_step_is_shown_with_the_loss_of_its_batch():
    start, training, seen = initialise(Layered(width=4), 12, 3, seeds=[(0,)]), Minibatches(**QUICK), []
    train_students(start, INPUTS, LABELS, training, seeds=[0], on_step=lambda now: seen.append((now.step, now.scalars)))
    chosen = next(training.batches(0))
    outputs = start.outputs(INPUTS[chosen])[0]
    assert [step for step, _ in seen] == list(range(9))
    assert seen[0][1]["loss"].item() == pytest.approx(torch.nn.functional.cross_entropy(outputs, LABELS[chosen]).item())


def test_a_run_that_diverges_leaves_and_the_other_goes_on_as_alone():
    training, start = Minibatches(**QUICK), initialise(Layered(width=4), 12, 3, seeds=[(0,), (1,)])
    broken = {name: values.clone() for name, values in start.parameters.items()}
    broken["first.weight"][0] = torch.inf
    trained, runs = train_students(Students(start.module, broken), INPUTS, LABELS, training, seeds=[0, 1])
    expected, _ = train_students(initialise(Layered(width=4), 12, 3, seeds=[(1,)]), INPUTS, LABELS, training, seeds=[1])
    assert runs == (1,)
    assert torch.allclose(trained.first[0], expected.first[0], atol=1e-6)


def test_training_ends_where_every_run_has_diverged():
    start, steps = initialise(Layered(width=4), 12, 3, seeds=[(0,)]), []
    broken = Students(start.module, {name: values * torch.nan for name, values in start.parameters.items()})
    options = {"seeds": [0], "on_step": lambda now: steps.append(now.runs)}
    assert train_students(broken, INPUTS, LABELS, Minibatches(**QUICK), **options)[1] == ()
    assert steps == [()]


def test_every_sample_comes_once_in_an_order():
    order = Minibatches(samples=30, steps=9, batch_size=10).batches(4)
    first, second = (torch.cat([next(order) for _ in range(3)]) for _ in range(2))
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(30))
    assert first.tolist() != second.tolist()


REFUSED = [
    ({"steps": 0}, "expected `training.steps` >= 1, got 0"),
    ({"samples": 50}, "expected `training.batch_size` <= 50 (`training.samples`), got 100"),
    ({"optimizer": "lion"}, 'expected `training.optimizer` "adamw" or "sgd", got \'lion\''),
    (
        {"learning_rate": 0.0},
        "expected `training.learning_rate` > 0 and `training.weight_decay` >= 0, got 0.0 and 1.0",
    ),
]


@pytest.mark.parametrize(("values", "message"), REFUSED)
def test_an_impossible_training_is_refused(values, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Minibatches(**values)
