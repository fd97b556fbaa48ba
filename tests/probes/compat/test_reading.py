"""What is read: the model's weights as they are, under their author's names, in full precision."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from probes.directions import Directions
from probes.quantities import cosine, weight_norm
from probes.recorder import Recorder
from probes.store import open_log
from tests.probes.compat.rows import backward, every_update, identities, network

pytestmark = pytest.mark.usefixtures("own_random_numbers")

OBLIQUE = Directions(torch.randn(3, 6, generator=torch.Generator().manual_seed(0)))


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=0.1)


def train(model, optimizer, updates=3):
    for batch in range(updates):
        optimizer.zero_grad()
        backward(model, batch)
        optimizer.step()


def products(weight):
    """Inner products one by one, in double precision."""
    rows, vectors = weight.double().tolist(), OBLIQUE.vectors.double().tolist()
    return [[sum(map(float.__mul__, row, vector)) for vector in vectors] for row in rows]


@pytest.mark.situation("a look inside autocast is in full precision", "works")
def test_autocast_does_not_reach_what_is_recorded(path):
    model = network()
    optimizer = sgd(model)
    quantities = [weight_norm("0.weight"), cosine("0.weight", OBLIQUE)]
    watching = Recorder(path, {"0.weight": OBLIQUE}, quantities=quantities)
    with torch.autocast("cpu", torch.bfloat16), watching.attach(model, optimizer):
        train(model, optimizer)

    log, expected = open_log(path), np.array(products(model[0].weight.detach()))
    norms = np.linalg.norm(model[0].weight.detach().numpy(), axis=1)
    np.testing.assert_allclose(log["0.weight"][-1], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(log["0.weight.norm"][-1], norms, rtol=1e-6)
    lengths = np.outer(norms, np.linalg.norm(OBLIQUE.vectors.numpy(), axis=1))
    np.testing.assert_allclose(log["0.weight.cosine"][-1], expected / lengths, rtol=1e-5, atol=1e-6)


@pytest.mark.situation("models in bfloat16 and float16", "works")
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_weights_of_half_precision_are_correlated_in_full(path, dtype):
    model = network().to(dtype)
    with Recorder(path, {"0.weight": OBLIQUE}).attach(model) as manual:
        manual.step()

    log = open_log(path)
    np.testing.assert_allclose(log["0.weight"][-1], products(model[0].weight.detach()), rtol=1e-5, atol=1e-6)


@pytest.mark.situation("load_state_dict(assign=True) and other parameters that take the place of the old", "works")
def test_parameters_that_are_replaced_are_followed(path):
    model = network()
    optimizer = sgd(model)
    with every_update(path, model, optimizer) as kept:
        for _ in range(3):
            train(model, optimizer, updates=1)
            kept()
            model.load_state_dict({name: 0.5 * value for name, value in model.state_dict().items()}, assign=True)
            optimizer.param_groups[0]["params"] = list(model.parameters())


@pytest.mark.situation("names of a compiled model (`_orig_mod.`)", "works")
@pytest.mark.situation("names of a DataParallel model (`module.`)", "works")
@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: torch.compile(model, backend="eager"),
        nn.DataParallel,
        lambda model: nn.DataParallel(torch.compile(model, backend="eager")),
    ],
)
def test_names_are_those_of_the_model_inside(path, wrap):
    model = network()
    optimizer, running = sgd(model), wrap(model)
    with every_update(path, model, optimizer, attached_to=running) as kept:
        for _ in range(3):
            train(running, optimizer, updates=1)
            kept()

    assert sorted(open_log(path).series) == ["0.weight", "2.weight"]


@pytest.mark.situation("the weight that weight_norm, spectral_norm or orthogonal makes, by its own name", "works")
@pytest.mark.parametrize("around", ["weight_norm", "spectral_norm", "orthogonal"])
def test_a_weight_that_is_made_of_others_is_that_of_evaluation(path, around):
    model = network()
    getattr(parametrizations, around)(model[0])
    optimizer = sgd(model)
    with Recorder(path, {"0.weight": OBLIQUE}).attach(model, optimizer):
        train(model, optimizer)

    np.testing.assert_allclose(
        open_log(path)["0.weight"][-1], products(model.eval()[0].weight.detach()), rtol=1e-5, atol=1e-6
    )


def hooks(thing):
    """Every dictionary of hooks that torch keeps in a model's modules or in an optimizer."""
    things = list(thing.modules()) if isinstance(thing, nn.Module) else [thing]
    found = [{name: dict(kept) for name, kept in vars(each).items() if "hooks" in name} for each in things]
    return [kept for kept in found if kept]


@pytest.mark.situation("a model that is pickled or copied while it is recorded", "works")
def test_nothing_is_put_on_a_model(path):
    model = network()
    optimizer, before = sgd(model), [list(vars(each)) for each in model.modules()]
    with Recorder(path, identities(model)).attach(model, optimizer) as recorder:
        train(model, optimizer)
        for copied in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):  # noqa: S301 - its own bytes
            train(copied, sgd(copied))
        assert [list(vars(each)) for each in model.modules()] == before
        assert not any(kept for found in hooks(model) for kept in found.values())

    assert recorder.updates == 3


@pytest.mark.situation("hooks of others on the optimizer, which `close` leaves alone", "works")
def test_an_optimizer_keeps_its_own_hooks_only(path):
    model = network()
    optimizer, seen = sgd(model), []
    optimizer.register_step_pre_hook(lambda *_: seen.append("begins"))
    optimizer.register_step_post_hook(lambda *_: seen.append("ended"))
    before = hooks(optimizer)
    with Recorder(path, identities(model)).attach(model, optimizer):
        train(model, optimizer, updates=1)
        assert hooks(optimizer) != before

    assert hooks(optimizer) == before
    assert seen == ["begins", "ended"]


@pytest.mark.situation("attaching twice", "works")
def test_attaching_twice_counts_once(path):
    model = network()
    optimizer = sgd(model)
    with every_update(path, model, optimizer) as kept:
        kept.recorder.attach(model, optimizer).attach(model, [optimizer])
        for _ in range(3):
            train(model, optimizer, updates=1)
            kept()


@pytest.mark.situation("no optimizer, and `step` is never called", "unsupported")
def test_a_training_that_nobody_tells_of(path):
    model = network()
    recorder = Recorder(path, identities(model)).attach(model)
    train(model, sgd(model))
    with pytest.warns(RuntimeWarning, match="no update was seen; give `attach` the optimizer, or call `step` after"):
        recorder.close()


def test_reading_is_no_change_to_autograd(path):
    model = network()
    versions = [parameter._version for parameter in model.parameters()]
    backward(model)
    gradients = [parameter.grad for parameter in model.parameters()]
    with Recorder(path, identities(model), quantities=[weight_norm("0.weight")]).attach(model) as manual:
        manual.step()

    assert [parameter._version for parameter in model.parameters()] == versions
    assert all(parameter.grad is kept for parameter, kept in zip(model.parameters(), gradients, strict=True))
