from importlib import import_module

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from probes import ProbeBatch
from probes.errors import UsageError
from probes.quantities import sharpness
from tests.probes.quantities.small import BATCH, INPUTS, LABELS, classifier, close, evaluated, state

pytestmark = pytest.mark.usefixtures("own_random_numbers")


def full_hessian(model, loss=cross_entropy):
    """By torch.autograd.functional, of all parameters as one vector."""
    model = evaluated(model)
    names = [name for name, _ in model.named_parameters()]
    shapes = [parameter.shape for parameter in model.parameters()]

    def value(flat):
        pieces = flat.split([shape.numel() for shape in shapes])
        given = {name: piece.view(shape) for name, piece, shape in zip(names, pieces, shapes, strict=True)}
        return loss(torch.func.functional_call(model, given, (INPUTS,)), LABELS)

    flat = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
    return torch.autograd.functional.hessian(value, flat)


def full_gauss_newton(model):
    """The sum of J' (diag(p) - pp') J over samples, by one backward pass for each logit."""
    model, total = evaluated(model), 0
    for inputs in INPUTS:
        logits = model(inputs[None])[0]
        rows = [torch.autograd.grad(logit, list(model.parameters()), retain_graph=True) for logit in logits]
        J = torch.stack([torch.cat([one.flatten() for one in row]) for row in rows])
        p = logits.detach().softmax(0)
        total = total + J.T @ (p.diag() - p.outer(p)) @ J
    return total / len(INPUTS)


@pytest.mark.parametrize("largest", [1, 3, 25])
def test_eigenvalues_are_those_of_the_full_hessian(largest):
    model = classifier()
    found = sharpness(BATCH, largest=largest, tolerance=1e-8)(state(model))

    close(found, np.linalg.eigvalsh(full_hessian(model).numpy())[::-1][:largest].copy())


def test_eigenvalues_are_those_of_the_full_gauss_newton_matrix():
    model = classifier()
    found = sharpness(BATCH, largest=4, matrix="gauss_newton", tolerance=1e-8)(state(model))

    close(found, np.linalg.eigvalsh(full_gauss_newton(model).numpy())[::-1][:4].copy())
    assert sharpness(BATCH, matrix="gauss_newton").name == "sharpness.gauss_newton"


@pytest.mark.parametrize("matrix", ["hessian", "gauss_newton"])
def test_a_quadratic_loss_has_the_eigenvalues_that_it_was_given(matrix):
    """Of |Xw|²/n the Hessian is 2 X'X/n, whatever w is."""
    values = torch.linspace(1, 40, 40)
    turn, _ = torch.linalg.qr(torch.randn(40, 40))
    batch = ProbeBatch((20 * values).sqrt()[:, None] * turn, torch.zeros(40, 1))
    found = sharpness(batch, largest=3, matrix=matrix, loss=mse_loss)(state(nn.Linear(40, 1, bias=False)))

    close(found, [40, 39, 38], rtol=1e-3)


def test_the_default_tolerance_holds_in_float32():
    model = classifier()
    exact = np.linalg.eigvalsh(full_hessian(model).numpy())[-1]

    close(sharpness(ProbeBatch(INPUTS.float(), LABELS))(state(model.float())), [exact], rtol=1e-3)


def test_two_looks_are_the_same_to_the_bit():
    model = classifier()
    one, two = (sharpness(BATCH, largest=2)(state(model)) for _ in range(2))

    assert torch.equal(one, two)


def test_a_model_of_few_parameters_is_computed_densely():
    model = nn.Linear(2, 1)
    batch = ProbeBatch(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), torch.zeros(2, 1))

    close(sharpness(batch, largest=3, loss=mse_loss)(state(model)), [2, 2, 0])


def test_a_loss_that_is_linear_has_no_curvature():
    found = sharpness(BATCH, largest=2, loss=lambda outputs, _: outputs.mean())(state(nn.Linear(5, 30).double()))

    assert found.tolist() == [0, 0]


def test_attention_has_second_derivatives():
    model = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).double()
    batch = ProbeBatch(torch.randn(4, 3, 8).double(), torch.zeros(4, 3, 8))

    assert float(sharpness(batch, loss=mse_loss)(state(model))) > 0.01


class Rounded(torch.autograd.Function):
    """Has a first derivative alone."""

    @staticmethod
    def forward(values):
        return values.round()

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, change):
        return change


class StraightThrough(nn.Module):
    def forward(self, inputs):
        return Rounded.apply(inputs)


def test_a_model_without_second_derivatives_is_refused():
    model = nn.Sequential(nn.Linear(5, 9), StraightThrough(), nn.Tanh(), nn.Linear(9, 3)).double()
    with pytest.raises(UsageError) as refused:
        sharpness(BATCH)(state(model))

    assert str(refused.value) == (
        "expected a model that can be differentiated twice, got a part that has a first derivative alone "
        "(`once_differentiable`); the Gauss-Newton matrix needs no more"
    )
    assert sharpness(BATCH, matrix="gauss_newton")(state(model)) > 0


def test_no_convergence_is_refused(monkeypatch):
    monkeypatch.setattr(import_module("probes.quantities.sharpness"), "_MOST_RESTARTS", 1)
    batch = ProbeBatch((1 + 1e-3 * torch.linspace(0, 1, 600)).diag(), torch.zeros(600, 1))
    with pytest.raises(UsageError) as refused:
        sharpness(batch, tolerance=1e-12, loss=mse_loss)(state(nn.Linear(600, 1, bias=False)))

    assert str(refused.value) == (
        "expected the 1 largest eigenvalues to a relative 1e-12, got 0; ask for fewer, or give a larger `tolerance`"
    )


def test_more_eigenvalues_than_parameters_are_refused():
    batch = ProbeBatch(torch.ones(2, 1), torch.zeros(2, 1))
    with pytest.raises(UsageError) as refused:
        sharpness(batch, largest=3, loss=mse_loss)(state(nn.Linear(1, 1)))

    assert str(refused.value) == "expected at least 3 trained parameters for as many eigenvalues, got 2"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"largest": 0}, "expected `largest` of 1 or more, got 0"),
        ({"matrix": "fisher"}, "expected 'hessian' or 'gauss_newton' as `matrix`, got 'fisher'"),
    ],
)
def test_options_that_are_not_known_are_refused(options, message):
    with pytest.raises(ValueError, match=r"^expected") as refused:
        sharpness(BATCH, **options)

    assert str(refused.value) == message
