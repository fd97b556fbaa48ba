import numpy as np
import pytest
import torch

from probes.estimators.parts import directions_of_parts
from probes.estimators.reading import Reading

GENERATOR = torch.Generator().manual_seed(0)
DATA = torch.randn(40, 3, generator=GENERATOR) + 5


def parts(fit, inputs=DATA, features=3, most=100):
    return directions_of_parts(fit, Reading(inputs), estimator="by hand", features=features, most=most, seed=0)


def test_a_fit_sees_the_whole_and_both_halves_at_mean_square_one():
    seen = []
    parts(lambda rows: seen.append(rows) or np.eye(3))

    assert len(seen[0]) == len(seen[1]) + len(seen[2]) == 40
    np.testing.assert_allclose(seen[0], DATA.double() / DATA.double().square().sum(1).mean().sqrt())


def test_parts_point_to_the_data():
    assert parts(lambda rows: -np.eye(3)).vectors.amin() == 0


def test_a_half_with_too_few_rows_agrees_with_nothing():
    assert parts(lambda rows: np.eye(3), inputs=DATA[:4]).facts["stability"] == 0
    assert parts(lambda rows: np.eye(3)).facts["stability"] == pytest.approx(1)


def test_facts_count_samples_and_rows():
    facts = parts(lambda rows: np.eye(3), inputs=DATA.view(20, 2, 3), most=30).facts

    assert (facts["estimator"], facts["samples"], facts["rows"]) == ("by hand", 20, 30)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: parts(np.asarray, features=0), "expected at least one of `features`, got 0"),
        (
            lambda: parts(np.asarray, inputs=DATA[:2]),
            "expected at least as many rows as `features` (3), got 2; take more data",
        ),
        (lambda: parts(np.asarray, inputs=torch.zeros(9, 3)), "expected data that are not all zero"),
        (
            lambda: parts(lambda rows: np.diag([1.0, 0.0, 1.0])),
            "expected data that determine 3 directions, got 1 left open, the first of them 2; take fewer features, or "
            "more data",
        ),
    ],
)
def test_data_without_parts_are_refused(make, message):
    with pytest.raises(ValueError, match="expected") as refused:
        make()

    assert str(refused.value) == message
