import pytest
import torch

from probes.hooks import StepHook


def optimizer_of_one_weight():
    weight = torch.nn.Parameter(torch.ones(2))
    weight.grad = torch.ones(2)
    return torch.optim.SGD([weight], lr=0.1)


def test_every_update_is_told_once():
    optimizer, updates = optimizer_of_one_weight(), []
    hook = StepHook(optimizer, lambda: updates.append(optimizer.param_groups[0]["params"][0].tolist()))
    hook.attach()
    hook.attach()
    optimizer.step()

    torch.testing.assert_close(torch.tensor(updates), torch.full((1, 2), 0.9))


def test_nothing_is_left_after_detach():
    optimizer, updates = optimizer_of_one_weight(), []
    hook = StepHook(optimizer, lambda: updates.append(1))
    hook.attach()
    hook.detach()
    hook.detach()
    optimizer.step()

    assert updates == []
    assert not optimizer._optimizer_step_pre_hooks
    assert not optimizer._optimizer_step_post_hooks


def test_a_detached_hook_can_be_attached_again():
    optimizer, updates = optimizer_of_one_weight(), []
    hook = StepHook(optimizer, lambda: updates.append(1))
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


def test_a_step_that_calls_its_parents_is_told_once_and_when_it_is_done():
    weight = torch.nn.Parameter(torch.ones(1))
    weight.grad = torch.ones(1)
    torch.optim.SGD([weight])  # from here on torch calls the hooks for the parent's step, too
    optimizer, seen = Projected([weight], lr=0.1), []
    StepHook(optimizer, lambda: seen.append(weight.item())).attach()
    optimizer.step()
    optimizer.step()

    torch.testing.assert_close(torch.tensor(seen), torch.tensor([0.5, 0.4]))


@pytest.mark.parametrize("kind", [torch.optim.SGD, Projected])
def test_a_step_that_broke_off_is_no_update(kind):
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer, updates = kind([weight], lr=0.1), []
    StepHook(optimizer, lambda: updates.append(1)).attach()
    for _ in range(3):
        with pytest.raises(ZeroDivisionError, match="division by zero"):
            optimizer.step(lambda: 1 / 0)
        optimizer.step()

    assert updates == [1, 1, 1]
