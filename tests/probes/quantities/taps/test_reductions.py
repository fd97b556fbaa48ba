import itertools

import pytest
import torch

from probes.directions import Directions
from probes.errors import UsageError
from probes.quantities import Largest, OwnClass, State, Strength, Tap

VALUES = torch.randn(3, 4, 3, 2, generator=torch.Generator().manual_seed(0))
DIMS = ("class", "neuron", "feature_class", "view")


def test_the_own_block_of_every_class_is_kept():
    own = OwnClass()(VALUES, DIMS)

    assert OwnClass().dims(DIMS) == ("class", "neuron", "view")
    for i, r, v in itertools.product(range(3), range(4), range(2)):
        assert own[i, r, v] == VALUES[i, r, i, v]


def test_the_own_block_is_found_wherever_its_axes_are():
    moved = VALUES.permute(2, 1, 3, 0)
    own = OwnClass()(moved, ("feature_class", "neuron", "view", "class"))

    assert OwnClass().dims(("feature_class", "neuron", "view", "class")) == ("neuron", "view", "class")
    for i, r, v in itertools.product(range(3), range(4), range(2)):
        assert own[r, v, i] == VALUES[i, r, i, v]


@pytest.mark.parametrize("count", [1, 2, 4])
def test_the_largest_values_over_neurons_are_kept_in_falling_order(count):
    kept = Largest(count)(VALUES, DIMS)

    for i, j, v in itertools.product(range(3), range(3), range(2)):
        expected = sorted(VALUES[i, :, j, v].tolist(), reverse=True)[:count]
        assert (kept[i, :, j, v].tolist() if count > 1 else [kept[i, j, v].item()]) == expected
    assert Largest(count).dims(DIMS) == (("class", "rank", *DIMS[2:]) if count > 1 else ("class", *DIMS[2:]))


def test_the_strength_is_the_sum_of_what_is_positive():
    strength = Strength()(VALUES, DIMS)

    assert Strength().dims(DIMS) == ("class", "feature_class", "view")
    for i, j, v in itertools.product(range(3), range(3), range(2)):
        expected = sum(value for value in VALUES[i, :, j, v].tolist() if value > 0)
        assert strength[i, j, v].item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("reduction", [OwnClass(), Largest(), Largest(2), Strength()])
def test_a_tap_records_what_its_reduction_keeps(reduction):
    vectors = torch.randn(3, 2, 5, generator=torch.Generator().manual_seed(1))
    weight = torch.randn(3, 4, 5)
    tap = Tap(Directions(vectors, labels={"feature_class": "abc"}), ("class", "neuron"), reduction=reduction)
    quantity = tap.quantity("weight", weight)
    values = quantity(State(0, {"weight": weight}))

    assert values.ndim == len(quantity.dims)
    assert quantity.series(tuple(values.shape)).labels.keys() <= set(quantity.dims)
    torch.testing.assert_close(values, reduction(torch.einsum("ird,jvd->irjv", weight, vectors), DIMS))


def test_an_axis_that_is_not_there_is_named():
    with pytest.raises(UsageError) as refused:
        Tap(Directions(torch.ones(3, 2, 5)), reduction=OwnClass())

    assert str(refused.value) == (
        "expected an axis `class` to reduce over, got ('neuron', 'feature_class', 'view'); name it in `Tap(dims=...)`"
    )


def test_more_than_there_are_cannot_be_kept():
    with pytest.raises(UsageError, match=r"^expected at least 5 along `neuron`, got 4$"):
        Largest(5)(VALUES, DIMS)
