import pytest
import torch
from sklearn.linear_model import LogisticRegression

from probes.estimators import linear_probes

GENERATOR = torch.Generator().manual_seed(0)
CENTRES = torch.randn(3, 5, generator=GENERATOR)
LABELS = torch.randint(3, (600,), generator=GENERATOR)
DATA = (CENTRES[LABELS] + torch.randn(600, 5, generator=GENERATOR)) * 7 + 100
VARIANCE = float(DATA.double().var(0, correction=0).mean())


def sklearn_weights(penalty):
    """The same problem in scikit-learn's terms, whose penalty is 1 / (samples C) on weights of the raw inputs."""
    regression = LogisticRegression(C=1 / (len(DATA) * penalty * VARIANCE), tol=1e-10, max_iter=10_000)
    return torch.from_numpy(regression.fit(DATA.double() - DATA.double().mean(0), LABELS).coef_)


@pytest.mark.parametrize("penalty", [1e-3, 0.1, 3.0])
def test_probes_are_those_of_scikit_learn(penalty):
    expected = torch.nn.functional.normalize(sklearn_weights(penalty), dim=1)

    torch.testing.assert_close(
        linear_probes(DATA, LABELS, penalty=penalty).vectors.double(), expected, atol=1e-4, rtol=0
    )


def test_the_gradient_is_zero_at_the_probes():
    weights = sklearn_weights(0.01).norm(dim=1, keepdim=True) * linear_probes(DATA, LABELS, penalty=0.01).flat()
    weights, bias = weights.double().requires_grad_(), torch.zeros(3, dtype=torch.float64, requires_grad=True)
    centred = DATA.double() - DATA.double().mean(0)
    newton = torch.optim.LBFGS([bias], line_search_fn="strong_wolfe", tolerance_grad=1e-12)
    newton.step(lambda: loss(newton, centred, weights, bias))

    assert float(weights.grad.abs().max()) < 1e-4 * float(DATA.std())


def loss(optimizer, inputs, weights, bias):
    optimizer.zero_grad()
    weights.grad = None
    fit = torch.nn.functional.cross_entropy(inputs @ weights.T + bias, LABELS)
    total = fit + 0.01 * VARIANCE / 2 * weights.square().sum()
    total.backward()
    return total


def test_scale_and_place_of_the_inputs_are_no_difference():
    one, other = linear_probes(DATA, LABELS), linear_probes(DATA * 1000 - 5, LABELS)

    torch.testing.assert_close(one.vectors, other.vectors, atol=1e-4, rtol=0)


def test_accuracy_is_that_on_the_other_half():
    facts = linear_probes(DATA, LABELS).facts
    noise = linear_probes(torch.randn(600, 50, generator=GENERATOR), LABELS).facts

    assert 0.6 < facts["accuracy"] < 1
    assert noise["accuracy"] < 0.45
    assert facts["gradient"] < 1e-6


def test_data_that_can_be_separated_have_probes_all_the_same():
    found = linear_probes(CENTRES[LABELS] + 0.01, LABELS, class_names=("a", "b", "c"))

    assert found.labels == {"feature_class": ("a", "b", "c")}
    assert found.facts["accuracy"] == 1


def test_no_more_rows_are_kept_than_asked_for():
    facts = linear_probes(DATA, LABELS, most=100).facts

    assert (facts["samples"], facts["rows"]) == (600, 100)


def test_a_class_that_a_half_has_not_seen_agrees_with_nothing():
    labels = LABELS.clone()
    labels[0] = 3

    assert 0.5 < linear_probes(DATA, labels).facts["stability"] < 0.75


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: linear_probes(DATA, LABELS, penalty=0), "expected `penalty` above 0, got 0"),
        (
            lambda: linear_probes(torch.ones(600, 2), LABELS),
            "expected data that determine 3 directions, got 3 left open, the first of them 0; nothing in the data "
            "tells these classes from the others",
        ),
    ],
)
def test_what_gives_no_direction_is_refused(make, message):
    with pytest.raises(ValueError, match="expected") as refused:
        make()

    assert str(refused.value) == message
