from itertools import permutations

import numpy as np
import pytest
import torch

from probes.estimators.stability import BEST_MATCH, SAME_CLASS, best_match, determined, same_class, subspace, unit

GENERATOR = torch.Generator().manual_seed(0)


def directions(count, dim):
    return unit(torch.randn(count, dim, generator=GENERATOR, dtype=torch.float64))


def test_the_best_match_is_the_best_of_all_orders():
    first, second = directions(5, 4), directions(5, 4)
    cosines = (first @ second.T).abs()
    best = max(sum(float(cosines[f, order[f]]) for f in range(5)) / 5 for order in permutations(range(5)))

    assert best_match(first, second) == pytest.approx(best)


def test_an_order_and_signs_are_no_difference_to_a_match():
    first = directions(6, 9)

    assert best_match(first, -first.flip(0)) == pytest.approx(1)


def test_classes_stay_in_their_places_with_their_signs():
    first, turned = directions(4, 9), torch.tensor([1.0, 1, -1, 1]).double().unsqueeze(1)

    assert same_class(first, first) == pytest.approx(1)
    assert same_class(first, first * turned) == pytest.approx(0.75)


def test_a_subspace_is_compared_by_its_principal_angles():
    first, second = (torch.linalg.qr(directions(3, 8).T)[0].T for _ in range(2))
    cosines = np.linalg.svd((first @ second.T).numpy(), compute_uv=False)

    assert subspace(first, second) == pytest.approx(float((cosines**2).mean()))
    assert subspace(first, torch.linalg.qr(directions(3, 3))[0] @ first) == pytest.approx(1)


@pytest.mark.parametrize("measure", [best_match, same_class, subspace])
def test_a_direction_left_open_agrees_with_nothing(measure):
    first = torch.eye(4, dtype=torch.float64)
    second = first.clone()
    second[2] = 0

    assert measure(first, second) == pytest.approx(0.75)


def test_facts_hold_the_figure_that_of_chance_and_the_rule():
    first = directions(4, 400)
    facts = BEST_MATCH(first, first, seed=0)

    assert facts["stability"] == pytest.approx(1)
    assert 0 < facts["stability_null"] < 0.2
    assert facts["stability_rule"] == BEST_MATCH.rule


def test_random_directions_score_what_two_of_them_share():
    # The mean |cosine| of two directions in the plane is 2 / pi; with their signs, half of it counts.
    plane = torch.ones(2000, 2, dtype=torch.float64)

    assert SAME_CLASS(plane, plane, seed=0)["stability_null"] == pytest.approx(1 / np.pi, abs=0.01)
    one = torch.ones(1, 10_000, dtype=torch.float64)
    assert BEST_MATCH(one, one, seed=0, nonnegative=True)["stability_null"] == pytest.approx(2 / np.pi, abs=0.01)


def test_unit_vectors_leave_zeros_and_what_is_hardly_more():
    vectors = torch.tensor([[3.0, 4.0], [0.0, 0.0], [1e-9, 0.0]])

    torch.testing.assert_close(unit(vectors, least=1e-6), torch.tensor([[0.6, 0.8], [0.0, 0.0], [0.0, 0.0]]))
    torch.testing.assert_close(unit(vectors)[2], torch.tensor([1.0, 0.0]))


def test_directions_that_data_leave_open_are_refused():
    vectors = torch.eye(4)
    vectors[1:3] = 0
    reason = "^expected data that determine 4 directions, got 2 left open, the first of them 1; take more data$"

    with pytest.raises(ValueError, match=reason):
        determined(vectors, "take more data")
