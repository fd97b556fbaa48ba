import gc
import weakref
from io import BytesIO

import pytest
import torch
from torch import nn

from probes.launch.trained_models import identities, optimizers_of, owners


class Harness(nn.Module):
    def __init__(self, **parts):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)


def network():
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


def has(name):
    return lambda model: name in dict(model.named_parameters())


def test_the_owner_is_the_outermost_module():
    harness = Harness(generator=network(), discriminator=network())

    assert owners(identities(harness.generator[0])) == [harness]


def test_a_part_of_the_owner_is_found_where_it_fits():
    harness = Harness(generator=network(), discriminator=network())

    assert owners(identities(harness.generator), has("2.weight")) == [harness.generator]


def test_where_nothing_fits_the_owner_is_the_outermost():
    model = network()

    assert owners(identities(model), has("conv.weight")) == [model]


def test_a_loss_that_holds_the_network_is_no_owner_where_the_network_fits():
    model = network()
    loss = Harness(model=model, scale=nn.Linear(1, 1))

    assert owners(identities(model), has("0.weight")) == [model]
    assert owners(identities(model), has("model.0.weight")) == [loss]


def test_of_two_that_hold_the_same_the_smaller_one_is_enough():
    model = network()
    holders = [Harness(model=model, other=nn.Linear(9, 9)), Harness(model=model, other=nn.Linear(1, 1))]

    assert owners(identities(model)) == [holders[1]]


def test_parameters_of_several_models_have_several_owners():
    first, second = network(), network()

    found = owners(identities(first) | identities(second))
    assert {id(each) for each in found} == {id(first), id(second)}


WRAPPERS = {
    "compile": lambda model: torch.compile(model, backend="eager"),
    "DataParallel": nn.DataParallel,
    "both": lambda model: torch.compile(nn.DataParallel(model), backend="eager"),
}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_a_wrapper_is_seen_through(wrap):
    model = network()
    wrapped = wrap(model)

    assert owners(identities(wrapped)) == [model]


def test_a_copy_is_found_though_nobody_has_seen_it_made():
    copy = torch.load(saved(network()), weights_only=False)

    assert owners(identities(copy)) == [copy]


def saved(model):
    stream = BytesIO()
    torch.save(model, stream)
    stream.seek(0)
    return stream


def test_tensors_of_no_module_have_no_owner():
    tensors = [torch.ones(3, requires_grad=True)]

    assert owners(identities(torch.optim.SGD(tensors))) == []


def test_a_module_in_the_making_is_left_alone():
    unfinished = nn.Module.__new__(nn.Linear)
    model = network()

    assert owners(identities(model)) == [model]
    del unfinished


def test_to_look_for_owners_asks_no_object_what_it_is():
    class Proxy:
        @property
        def __class__(self):
            raise RuntimeError("asked")

    proxy, model = Proxy(), network()
    assert owners(identities(model)) == [model]
    del proxy


def test_optimizers_are_found_by_their_parameters():
    model, other = network(), network()
    several = [torch.optim.SGD(model[0].parameters()), torch.optim.Adam(model[2].parameters())]
    unrelated = torch.optim.SGD(other.parameters())

    found = optimizers_of(identities(model))
    assert {id(each) for each in found} == {id(each) for each in several}
    assert unrelated not in found


def test_what_only_passes_on_to_an_optimizer_is_none():
    class Wrapper(torch.optim.Optimizer):
        def __init__(self, inner):
            self.inner, self.param_groups = inner, inner.param_groups

    model = network()
    inner = torch.optim.SGD(model.parameters())
    wrapper = Wrapper(inner)

    assert optimizers_of(identities(wrapper)) == [inner]


def test_looking_keeps_nothing_alive():
    model = network()
    optimizer = torch.optim.SGD(model.parameters())
    gone = weakref.ref(model), weakref.ref(optimizer)
    owners(identities(model)), optimizers_of(identities(model))

    del model, optimizer
    gc.collect()
    assert [each() for each in gone] == [None, None]
