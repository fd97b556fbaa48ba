from dataclasses import replace

import pytest
import torch

from probes.learners.activations import SmoothedReLU
from probes.learners.compiled import passes_of
from probes.learners.features import orthonormal_features
from probes.learners.linear import Tangent, head_of, shared
from probes.learners.linear_passes import FixedFeatures, FixedSlopes
from probes.learners.multiview import MultiView
from probes.learners.networks import initialise
from probes.learners.objectives import CrossEntropy, Distillation
from probes.learners.passes import Eager
from probes.learners.training import train
from tests.learners.explicit import PlainNetwork, explicit_patches

DATA = MultiView(classes=3, patches=9, feature_patches=2, sparsity=1.0, single_view_share=0.25, background_noise=0.8)
ACTIVATION = SmoothedReLU(3, 0.5)
TEACHER = 6 * torch.rand(24, 1, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
OBJECTIVES = {"cross-entropy": CrossEntropy(), "stopped": Distillation(TEACHER, 0.5, 4.0)}
LINEAR = ["tangent", "random_features"]


def private():
    return DATA.sample(24, seed=0).private().to(torch.float64)


def gaussian():
    return DATA.sample(24, seed=0).gaussian(orthonormal_features(3, 30, seed=0), seed=1).to(torch.float64)


def start(inputs, kind, seeds=(5,), scale=0.7):
    return initialise(inputs, ACTIVATION, classes=3, neurons=4, init_scale=scale, seeds=seeds, kind=kind)


def explicit_start(networks, inputs):
    """The first layer in full dimension as it began, ``(run, class, neuron, d)``, and the patches it sees."""
    if not inputs.has_noise:
        return networks.first_layer().permute(1, 2, 3, 0), inputs.design
    noise = networks.noise(inputs, "training noise").flatten(0, 1).permute(1, 2, 3, 0) / inputs.noise.flatten()
    return torch.cat([networks.first_layer().permute(1, 2, 3, 0), noise], -1), explicit_patches(inputs)


def linearised(first, patches):
    """The network's first-order Taylor polynomial in its weights, by its Jacobian from autograd."""
    network = PlainNetwork(first, 3, 0.5)

    def outputs(weight):
        return torch.func.functional_call(network, {"weight": weight}, (patches,))

    values, jacobian = outputs(first), torch.autograd.functional.jacobian(outputs, first)
    return lambda weight: values + torch.einsum("nkird,ird->nk", jacobian, weight - first)


def headed(first, patches):
    """A linear head, ``(class, class x neuron)``, on all neurons of a fixed layer."""
    neurons = torch.einsum("npd,ird->npir", patches, first)
    features = ACTIVATION(neurons).sum(1).flatten(1)
    return lambda head: features @ head.T


def descent(model, weight, labels, objective, *, steps=40, rate=0.8):
    """Gradient descent by autograd; the teacher's pull is a constant, as in (4.3)."""
    for _ in range(steps):
        weight = weight.detach().requires_grad_()
        outputs = model(weight)
        loss = torch.nn.functional.cross_entropy(outputs, labels)
        taught = objective.taught(outputs.detach().unsqueeze(1), slice(None))
        loss = loss if taught is None else loss - (taught[:, 0] * outputs).sum() / len(labels)
        weight = weight - rate * torch.autograd.grad(loss, weight)[0]
    return weight.detach()


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
@pytest.mark.parametrize("form", [private, gaussian])
def test_the_tangent_is_the_linearised_network_differentiated_by_autograd(form, objective):
    inputs = form()
    begin = start(inputs, "tangent")
    trained, _ = train(begin, inputs, objective, steps=40, learning_rate=0.8)
    first, patches = explicit_start(begin, inputs)
    model = linearised(first[0], patches)
    weight = descent(model, first[0], inputs.labels, objective)
    torch.testing.assert_close(trained.by_neuron[0], weight[..., : inputs.design.shape[-1]], rtol=0, atol=1e-10)
    torch.testing.assert_close(trained.training_outputs(inputs)[0], model(weight), rtol=0, atol=1e-10)
    assert (weight - first[0]).abs().max() > 0.3


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
@pytest.mark.parametrize("form", [private, gaussian])
def test_random_features_are_a_linear_head_differentiated_by_autograd(form, objective):
    inputs = form()
    begin = start(inputs, "random_features")
    trained, _ = train(begin, inputs, objective, steps=40, learning_rate=0.8)
    first, patches = explicit_start(begin, inputs)
    model = headed(first[0], patches)
    head = descent(model, torch.zeros(3, 12, dtype=torch.float64), inputs.labels, objective)
    layer = shared(begin.first_layer(), members=1)
    torch.testing.assert_close(head_of(trained.weights, layer)[0], head, rtol=0, atol=1e-10)
    torch.testing.assert_close(trained.training_outputs(inputs)[0], model(head), rtol=0, atol=1e-10)
    assert head.abs().max() > 0.3


@pytest.mark.parametrize("kind", LINEAR)
def test_the_outputs_of_training_are_those_of_the_networks(kind):
    inputs, seen = private(), []
    trained, _ = train(
        start(inputs, kind, [5, 6]),
        inputs,
        CrossEntropy(),
        steps=3,
        learning_rate=0.8,
        on_step=lambda state: seen.append(state.scalars["loss"]),
    )
    outputs = trained.training_outputs(inputs)
    losses = [torch.nn.functional.cross_entropy(run, inputs.labels) for run in outputs]
    torch.testing.assert_close(seen[-1], torch.stack(losses))


@pytest.mark.parametrize("kind", ["patch", *LINEAR])
def test_training_goes_on_bit_by_bit_from_what_is_kept(kind):
    inputs, kept = private(), []
    whole, _ = train(
        start(inputs, kind, [5, 6]),
        inputs,
        CrossEntropy(),
        steps=6,
        learning_rate=0.8,
        on_update=lambda following, _, networks, *rest: kept.append((following, networks.select([0, 1]))),
    )
    following, networks = kept[2]
    found, _ = train(networks, inputs, CrossEntropy(), steps=6, learning_rate=0.8, first=following)
    assert torch.equal(found.weights, whole.weights)
    assert torch.equal(found.training_outputs(inputs), whole.training_outputs(inputs))


@pytest.mark.parametrize("kind", LINEAR)
def test_training_the_average_is_training_the_mean_of_the_members_outputs(kind):
    inputs = private()
    begin = replace(start(inputs, kind, [(5, 6, 7)]), scale=2.0)
    trained, _ = train(begin, inputs, CrossEntropy(), steps=20, learning_rate=0.8)
    first, patches = explicit_start(begin, inputs)
    members = first[0].unflatten(1, (3, 4)).unbind(1)
    models = [(linearised if kind == "tangent" else headed)(member, patches) for member in members]
    size = first[0, :, :4].shape if kind == "tangent" else (3, 12)
    began = torch.stack(members) if kind == "tangent" else torch.zeros(3, *size, dtype=torch.float64)

    def average(weights):
        return 2 / 3 * torch.stack([model(weight) for model, weight in zip(models, weights, strict=True)]).sum(0)

    weights = descent(average, began, inputs.labels, CrossEntropy(), steps=20, rate=0.8 * 3 / 2)
    torch.testing.assert_close(trained.training_outputs(inputs)[0], average(weights), rtol=0, atol=1e-10)


@pytest.mark.parametrize("kind", LINEAR)
def test_test_samples_are_seen_through_the_first_layer_of_the_seed(kind):
    inputs, tests = private(), DATA.single_view(10, seed=9).private().to(torch.float64)
    trained, _ = train(start(inputs, kind), inputs, CrossEntropy(), steps=5, learning_rate=0.8)
    first, noise = trained.first_layer()[:, 0], trained.test_noise(tests, chunk=0)[:, :, 0]
    began = torch.einsum("npd,dir->npir", tests.design, first) + noise
    if kind == "tangent":
        moved = torch.einsum("npd,dir->npir", tests.design, trained.weights[:, 0] - first)
        expected = (ACTIVATION(began) + ACTIVATION.derivative(began) * moved).sum((1, 3))
    else:
        head = (trained.weights[:, 0] / shared(trained.first_layer(), 1)[:, 0])[0]
        expected = ACTIVATION(began).sum(1).flatten(1) @ head.T
    torch.testing.assert_close(trained.test_outputs(tests)[0], expected)


@pytest.mark.parametrize("kind", LINEAR)
def test_what_neurons_add_sums_to_the_outputs(kind):
    inputs, tests = private(), DATA.single_view(10, seed=9).private().to(torch.float64)
    trained, _ = train(start(inputs, kind, [(5, 6)]), inputs, CrossEntropy(), steps=5, learning_rate=0.8)
    torch.testing.assert_close(trained.test_contributions(tests).sum(-1), trained.test_outputs(tests))


def test_a_tangent_touches_the_activation_where_it_was_taken():
    start, near = torch.tensor([[[0.3, 0.9]]]), torch.tensor([[[0.301, 0.901]]])
    tangent = Tangent.at(start, ACTIVATION)
    torch.testing.assert_close(tangent(start), ACTIVATION(start).sum(1))
    torch.testing.assert_close(tangent(near), ACTIVATION(near).sum(1), rtol=0, atol=3e-6)


@pytest.mark.parametrize(
    ("kind", "passes"), [("patch", Eager), ("tangent", FixedSlopes), ("random_features", FixedFeatures)]
)
def test_every_kind_has_passes_of_its_own_which_are_never_compiled_for_the_linear_ones(kind, passes):
    inputs = private()
    networks = start(inputs, kind)
    assert type(passes_of(networks, inputs, 1.0, compiled=kind != "patch")) is passes


def test_all_kinds_have_the_same_first_layer():
    inputs = private()
    patch, tangent, features = (start(inputs, kind, [(5, 6)]) for kind in ["patch", *LINEAR])
    assert torch.equal(patch.weights, tangent.weights)
    assert torch.equal(patch.weights, tangent.first_layer())
    assert torch.equal(patch.weights, features.first_layer())
    assert torch.equal(patch.memory, features.noise(inputs, "training noise"))
    assert features.weights.shape == (6, 1, 3, 2 * 3 * 4)
    assert not features.weights.any()
