import itertools

import pytest
import torch

from probes.quantities.taps.statistics import STATISTICS, Statistics

VALUES = torch.randn(3, 4, 5, 2, generator=torch.Generator().manual_seed(0))
DIMS = ("class", "neuron", "random", "phase")


def slow(values):
    """Of some correlations."""
    positive = [max(value, 0.0) for value in values]
    return [sum(map(abs, values)), max(map(abs, values)), sum(positive), max(positive)]


def test_the_labels_say_what_stands_where():
    assert STATISTICS == ("strength", "peak", "strength_positive", "peak_positive")


def test_either_sign_counts_or_only_the_positive():
    found = Statistics(("neuron",))(VALUES, DIMS)

    assert Statistics(("neuron",)).dims(DIMS) == ("class", "random", "phase", "statistic")
    for i, u, c in itertools.product(range(3), range(5), range(2)):
        assert found[i, u, c].tolist() == pytest.approx(slow(VALUES[i, :, u, c].tolist()), abs=1e-6)


def test_the_units_may_have_several_axes():
    found = Statistics(("class", "neuron"))(VALUES, DIMS)

    for u, c in itertools.product(range(5), range(2)):
        assert found[u, c].tolist() == pytest.approx(slow(VALUES[:, :, u, c].flatten().tolist()), abs=1e-5)


@pytest.mark.parametrize("component", ["", "phase"])
def test_without_axes_every_value_is_its_own_statistic(component):
    found = Statistics((), component)(VALUES[0, 0], ("random", "phase"))

    for u, c in itertools.product(range(5), range(2)):
        values = [VALUES[0, 0, u].norm().item()] if component else [VALUES[0, 0, u, c].item()]
        assert (found[u] if component else found[u, c]).tolist() == pytest.approx(slow(values), abs=1e-6)


def test_what_components_span_has_no_sign():
    found = Statistics(("neuron",), "phase")(VALUES, DIMS)

    assert Statistics(("neuron",), "phase").dims(DIMS) == ("class", "random", "statistic")
    for i, u in itertools.product(range(3), range(5)):
        norms = [(one * one + other * other) ** 0.5 for one, other in VALUES[i, :, u].tolist()]
        assert found[i, u].tolist() == pytest.approx([sum(norms), max(norms)] * 2, abs=1e-5)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 0, 2, 1), (1, 2, 3, 0)])
def test_the_order_in_memory_does_not_matter(order):
    moved = VALUES.permute(order).contiguous().permute([order.index(axis) for axis in range(4)])

    torch.testing.assert_close(Statistics(("neuron",))(moved, DIMS), Statistics(("neuron",))(VALUES, DIMS))
