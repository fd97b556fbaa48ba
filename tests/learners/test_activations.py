import pytest
import torch

from probes.learners.activations import SmoothedReLU


def slow(z: float, q: int, threshold: float) -> float:
    if z <= 0:
        return 0.0
    return z**q / (q * threshold ** (q - 1)) if z <= threshold else z - (1 - 1 / q) * threshold


@pytest.mark.parametrize("q", [3, 4, 5])
def test_the_activation_follows_its_definition(q):
    z = torch.linspace(-2, 3, 101, dtype=torch.float64)
    expected = [slow(value, q, 0.7) for value in z.tolist()]
    assert torch.allclose(SmoothedReLU(q, 0.7)(z), torch.tensor(expected, dtype=torch.float64), atol=1e-14)


@pytest.mark.parametrize("q", [3, 4, 5])
def test_the_derivative_is_that_of_autograd(q):
    activation = SmoothedReLU(q, 0.7)
    z = torch.linspace(-2, 3, 101, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(activation(z).sum(), z)
    assert torch.allclose(activation.derivative(z.detach()), slope, atol=1e-14)


def test_the_in_place_form_gives_the_same_two_values():
    activation, z = SmoothedReLU(4, 0.7), torch.linspace(-2, 3, 101, dtype=torch.float64)
    ratio, power, derivative = z / 0.7, torch.empty_like(z), torch.empty_like(z)
    value = 0.7 * activation.split_(ratio, power, derivative)
    assert torch.allclose(value, activation(z), atol=1e-14)
    assert torch.allclose(derivative, activation.derivative(z), atol=1e-14)


@pytest.mark.parametrize(
    ("q", "threshold", "message"),
    [
        (2, 0.5, r"expected an integer `q` >= 3 \(with less there is no race between views\), got 2"),
        (3, 0.0, r"expected `threshold` > 0, got 0.0"),
    ],
)
def test_values_without_a_race_are_refused(q, threshold, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        SmoothedReLU(q, threshold)
