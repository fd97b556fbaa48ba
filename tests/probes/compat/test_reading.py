"""What is read: the model's weights as they are, under their author's names, in full precision."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from probes.directions import Directions
from probes.errors import UsageError
from probes.log import open_log
from probes.quantities import cosine, weight_norm
from probes.recording import Recorder
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
            if kept.recorder.updates == 3:
                break
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

    assert [name for name in open_log(path).series if "null" not in name] == ["0.weight", "2.weight"]


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


CHANGES = {
    "pruned": lambda layer: nn.utils.prune.l1_unstructured(layer, "weight", 0.5),
    "weight_norm": parametrizations.weight_norm,
    "spectral_norm": parametrizations.spectral_norm,
}


def evaluated(layer):
    """The weight of the next forward pass in evaluation mode: of a pruned layer by its definition, else of a copy's."""
    if hasattr(layer, "weight_orig"):
        return (layer.weight_orig * layer.weight_mask).detach()
    probe = copy.deepcopy(layer).eval()
    probe(torch.zeros(1, layer.in_features))
    return probe.weight.detach()


@pytest.mark.situation("a layer that is pruned or parametrised while it is recorded", "works")
@pytest.mark.parametrize("change", CHANGES)
def test_a_layer_that_is_changed_under_way_is_followed(path, change):
    model = network()
    optimizer, rows = sgd(model), []
    with Recorder(path, {"0.weight": OBLIQUE}, on_error="raise").attach(model, optimizer):
        for batch in range(6):
            if batch == 2:
                CHANGES[change](model[0])
                optimizer.param_groups[0]["params"] = list(model.parameters())
            train(model, optimizer, updates=1)
            rows.append(products(evaluated(model[0])))

    np.testing.assert_allclose(open_log(path)["0.weight"][1:], rows, rtol=1e-5, atol=1e-6)


@pytest.mark.situation("a layer that moves within the model, tapped as a module or parameter", "works")
@pytest.mark.parametrize("key", [lambda layer: layer, lambda layer: layer.weight])
def test_a_tapped_module_is_followed_where_it_goes(path, key):
    model = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6))
    layer, optimizer = model[1], sgd(model)
    rows = [products(layer.weight.detach())]
    with Recorder(path, {key(layer): OBLIQUE}, on_error="raise").attach(model, optimizer):
        for batch in range(4):
            if batch == 2:
                model.insert(1, nn.Linear(6, 6))
            train(model, optimizer, updates=1)
            rows.append(products(layer.weight.detach()))

    np.testing.assert_allclose(open_log(path)["1.weight"][:], rows, rtol=1e-5, atol=1e-6)


@pytest.mark.situation("a model with `named_parameters` or `parameters` of its own", "works")
def test_a_model_that_lists_its_parameters_in_its_own_way(path):
    class Own(nn.Sequential):
        def named_parameters(self, prefix="", recurse=True):
            yield from super().named_parameters(prefix="own.")

        def parameters(self):
            raise NotImplementedError

    model = Own(*network())
    optimizer = torch.optim.SGD(nn.ModuleList(model).parameters(), lr=0.1)
    with every_update(path, model[:], optimizer, attached_to=model) as kept:
        for _ in range(3):
            train(model, optimizer, updates=1)
            kept()


UNREADABLE = {
    "complex": lambda: nn.Linear(6, 4, dtype=torch.complex64),
    "meta": lambda: nn.Linear(6, 4, device="meta"),
    "lazy": lambda: nn.LazyLinear(4),
}


@pytest.mark.situation("complex, lazy and meta parameters", "refused")
@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_parameter_without_real_values_is_refused(path, kind):
    with pytest.raises(
        UsageError, match=r"expected for `0\.weight` real numbers that can be read, got (complex|.* lazy|.*meta)"
    ):
        Recorder(path, {"0.weight": OBLIQUE}).attach(nn.Sequential(UNREADABLE[kind]()))

    assert not path.exists()


@pytest.mark.situation("weights in float8, as a frozen base has them", "works")
def test_weights_in_float8_are_correlated_in_full(path):
    weight = torch.randn(4, 6).to(torch.float8_e4m3fn)
    model = nn.ParameterDict({"base": nn.Parameter(weight, requires_grad=False)})
    with Recorder(path, {"base": OBLIQUE}, quantities=[weight_norm("base")], on_error="raise").attach(model) as manual:
        manual.step()

    np.testing.assert_allclose(open_log(path)["base"][-1], products(weight.float()), rtol=1e-5, atol=1e-6)


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
