import math

import numpy as np
import pytest
import torch

from probes.directions import Directions
from probes.errors import UsageError
from probes.quantities import State, alignment

CHANCE = torch.Generator().manual_seed(0)
FIRST, SECOND, THIRD = torch.randn(3, 5, 7, generator=CHANCE)
DIRECTIONS = Directions(torch.randn(2, 2, 7, generator=CHANCE), ("frequency", "phase"))


def leading(weight, k):
    """The projector on the k leading right singular vectors, from the eigenvectors of W'W."""
    flat = weight.double().numpy()
    vectors = np.linalg.eigh(flat.T @ flat)[1][:, ::-1][:, :k]
    return vectors @ vectors.T


def projector(rows):
    flat = rows.double().numpy()
    return np.linalg.pinv(flat) @ flat


def overlap(one, other):
    """Of two projectors: the trace of their product over the smaller rank."""
    return np.trace(one @ other) / min(round(np.trace(one)), round(np.trace(other)))


def seen(quantity, *weights):
    return [quantity(State(step, {"w": weight})) for step, weight in enumerate(weights)]


@pytest.mark.parametrize("k", [1, 3, 5])
def test_the_overlap_is_that_of_the_projectors(k):
    _, second, third = seen(alignment("w", "start", k=k), FIRST, SECOND, THIRD)
    _, after, again = seen(alignment("w", "last", k=k), FIRST, SECOND, THIRD)
    given = alignment("w", DIRECTIONS, k=k)(State(7, {"w": FIRST}))

    assert float(second) == pytest.approx(overlap(leading(FIRST, k), leading(SECOND, k)), abs=1e-5)
    assert float(third) == pytest.approx(overlap(leading(FIRST, k), leading(THIRD, k)), abs=1e-5)
    assert float(after) == pytest.approx(overlap(leading(FIRST, k), leading(SECOND, k)), abs=1e-5)
    assert float(again) == pytest.approx(overlap(leading(SECOND, k), leading(THIRD, k)), abs=1e-5)
    assert float(given) == pytest.approx(overlap(leading(FIRST, k), projector(DIRECTIONS.flat())), abs=1e-5)


def test_at_the_first_look_a_weight_is_aligned_to_itself():
    for to in ("start", "last"):
        assert float(alignment("w", to, k=3)(State(0, {"w": FIRST}))) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("angle", [0.0, 0.3, math.pi / 2])
def test_planes_at_a_known_angle_have_its_cosine(angle):
    weight = torch.tensor([[3.0, 0, 0, 0], [0, 2, 0, 0]])
    turned = torch.tensor([[1.0, 0, 0, 0], [0, math.cos(angle), math.sin(angle), 0]])
    state, directions = State(0, {"w": weight}), Directions(turned)

    torch.testing.assert_close(
        alignment("w", directions, k=2, angles=True)(state), torch.tensor([1, math.cos(angle)]), atol=1e-6, rtol=0
    )
    assert float(alignment("w", directions, k=2)(state)) == pytest.approx((1 + math.cos(angle) ** 2) / 2, abs=1e-6)


def test_directions_that_depend_on_each_other_count_once():
    twice = Directions(torch.cat([DIRECTIONS.flat(), DIRECTIONS.flat()[:1] * 3]))
    state = State(0, {"w": FIRST})

    torch.testing.assert_close(alignment("w", twice, k=2)(state), alignment("w", DIRECTIONS, k=2)(state))


def test_transposed_it_is_the_left_singular_vectors():
    _, left = seen(alignment("w", k=2, transposed=True), FIRST, SECOND)

    assert float(left) == pytest.approx(overlap(leading(FIRST.T, 2), leading(SECOND.T, 2)), abs=1e-5)


def test_random_subspaces_overlap_as_much_as_the_docstring_says():
    values = [
        float(alignment("w", Directions(torch.randn(5, 40, generator=CHANCE)), k=2)(State(0, {"w": weight})))
        for weight in torch.randn(400, 3, 40, generator=CHANCE)
    ]

    assert np.mean(values) == pytest.approx(5 / 40, abs=0.015)


@pytest.mark.parametrize("to", ["start", "last"])
def test_a_resumed_look_is_that_of_an_uninterrupted_one(to):
    whole = seen(alignment("w", to, k=2), FIRST, SECOND, THIRD)
    before, after = alignment("w", to, k=2), alignment("w", to, k=2)
    seen(before, FIRST, SECOND)
    after.restore(before.state())

    assert torch.equal(after(State(2, {"w": THIRD})), whole[2])


def test_a_weight_of_lower_rank_than_k_is_refused():
    expected = "expected `w` of rank 2 or more, as `k` says, got rank 1 of shape (3, 4) at step 5; lower `k`"
    with pytest.raises(UsageError) as raised:
        alignment("w", "last", k=2)(State(5, {"w": torch.outer(torch.ones(3), torch.arange(1.0, 5))}))

    assert str(raised.value) == expected


def test_directions_of_another_dim_are_refused():
    expected = "expected directions of dim 4 as the rows of `w` have, got Directions(frequency=2, phase=2, dim=7)"
    with pytest.raises(UsageError) as raised:
        alignment("w", DIRECTIONS)(State(0, {"w": torch.eye(4)}))

    assert str(raised.value) == expected


def test_a_first_look_after_step_0_has_no_start():
    expected = 'expected to see `w` at step 0 first, got step 3; align it to "last"'
    with pytest.raises(UsageError) as raised:
        alignment("w")(State(3, {"w": FIRST}))

    assert str(raised.value) == expected


@pytest.mark.parametrize(("to", "k"), [("begin", 1), ("start", 0)])
def test_what_cannot_be_aligned_to_is_refused(to, k):
    expected = f'expected `to` "start", "last" or directions, and `k` of 1 or more, got {to!r} and {k}'
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the message is compared whole
        alignment("w", to, k=k)

    assert str(raised.value) == expected
