import pytest
import torch

from probes.errors import UsageError
from probes.recording.hooks import StepHook


def optimizer_of_one_weight(kind=torch.optim.SGD):
    weight = torch.nn.Parameter(torch.ones(2))
    weight.grad = torch.ones(2)
    return kind([weight], lr=0.1)


def test_every_update_is_told_once():
    optimizer, updates = optimizer_of_one_weight(), []
    hook = StepHook([optimizer], lambda: updates.append(optimizer.param_groups[0]["params"][0].tolist()))
    hook.attach()
    hook.attach()
    optimizer.step()

    torch.testing.assert_close(torch.tensor(updates), torch.full((1, 2), 0.9))


def test_nothing_is_left_after_detach():
    optimizer, updates = optimizer_of_one_weight(), []
    hook = StepHook([optimizer], lambda: updates.append(1))
    hook.attach()
    hook.detach()
    hook.detach()
    optimizer.step()

    assert updates == []
    assert not optimizer._optimizer_step_pre_hooks
    assert not optimizer._optimizer_step_post_hooks


def test_a_detached_hook_can_be_attached_again():
    optimizer, updates = optimizer_of_one_weight(), []
    hook = StepHook([optimizer], lambda: updates.append(1))
    for _ in range(2):
        hook.attach()
        optimizer.step()
        hook.detach()

    assert updates == [1, 1]


class Projected(torch.optim.SGD):
    """An optimizer that goes on after the update of its parent."""

    def step(self, closure=None):
        super().step(closure)
        for parameter in self.param_groups[0]["params"]:
            parameter.data.clamp_(max=0.5)


def _with_another_name(self, closure=None):
    torch.optim.SGD.step(self, closure)
    self.param_groups[0]["params"][0].data.clamp_(max=0.5)


Assigned = type("Assigned", (torch.optim.SGD,), {"step": _with_another_name})


@pytest.mark.parametrize("kind", [Projected, Assigned])
def test_a_step_that_calls_its_parents_is_told_once_and_when_it_is_done(kind):
    weight = torch.nn.Parameter(torch.ones(1))
    weight.grad = torch.ones(1)
    torch.optim.SGD([weight])  # from here on torch calls the hooks for the parent's step, too
    optimizer, seen = kind([weight], lr=0.1), []
    StepHook([optimizer], lambda: seen.append(weight.item())).attach()
    optimizer.step()
    optimizer.step()

    torch.testing.assert_close(torch.tensor(seen), torch.tensor([0.5, 0.4]))


@pytest.mark.parametrize("kind", [torch.optim.SGD, Projected, Assigned])
def test_a_step_that_broke_off_is_no_update(kind):
    optimizer, updates = optimizer_of_one_weight(kind), []
    StepHook([optimizer], lambda: updates.append(1)).attach()
    for _ in range(3):
        with pytest.raises(ZeroDivisionError, match="division by zero"):
            optimizer.step(lambda: 1 / 0)
        optimizer.step()

    assert updates == [1, 1, 1]


@pytest.mark.parametrize("steps", ["abab", "baba", "abba"])
def test_two_optimizers_that_both_step_make_an_update(steps):
    pair, told = {name: optimizer_of_one_weight() for name in "ab"}, []
    StepHook(list(pair.values()), lambda: told.append("|")).attach()
    for name in steps:
        told.append(name)
        pair[name].step()

    assert "".join(told) == f"{steps[:2]}|{steps[2:]}|"


def test_an_update_is_complete_before_an_optimizer_steps_again():
    pair, seen = {name: optimizer_of_one_weight() for name in "ab"}, []
    weights = [optimizer.param_groups[0]["params"][0] for optimizer in pair.values()]
    hook = StepHook(list(pair.values()), lambda: seen.append([round(weight[0].item(), 1) for weight in weights]))
    hook.attach()
    for name in "aaba":
        pair[name].step()
    assert seen == [[0.9, 1.0], [0.8, 0.9]]
    hook.detach()
    hook.detach()

    assert seen == [[0.9, 1.0], [0.8, 0.9], [0.7, 0.9]]


def test_an_optimizer_that_is_given_twice_is_one():
    optimizer, updates = optimizer_of_one_weight(), []
    StepHook([optimizer, optimizer], lambda: updates.append(1)).attach()
    optimizer.step()

    assert updates == [1]


def test_what_is_deferred_waits_for_the_step_that_tells_its_update():
    pair, updates, seen = {name: optimizer_of_one_weight() for name in "ab"}, [], []
    hook = StepHook(list(pair.values()), lambda: updates.append(1))
    hook.attach()
    for name in "abaab":
        hook.defer(lambda name=name: seen.append((name, len(updates))))
        pair[name].step()

    assert seen == [("a", 0), ("b", 0), ("a", 1), ("a", 2), ("b", 2)]


def test_what_is_deferred_last_is_not_forgotten():
    pair, updates, seen = [optimizer_of_one_weight() for _ in range(2)], [], []
    hook = StepHook(pair, lambda: updates.append(1))
    hook.attach()
    pair[0].step()
    hook.defer(lambda: seen.append(len(updates)))
    assert seen == []
    hook.detach()

    assert seen == [1]


def test_what_cannot_be_hooked_is_refused_and_nothing_is_left():
    optimizer = optimizer_of_one_weight()
    with pytest.raises(UsageError, match="expected an optimizer with step hooks") as refused:
        StepHook([optimizer, object()], print)

    assert str(refused.value) == (
        "expected an optimizer with step hooks, as torch.optim.Optimizer has, got builtins.object; "
        "give the optimizer inside it, whose updates are read when the step around it is over, or none and call `step` "
        "after every update"
    )
    assert not optimizer._optimizer_step_pre_hooks | optimizer._optimizer_step_post_hooks
