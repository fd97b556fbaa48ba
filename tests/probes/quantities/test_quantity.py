import numpy as np
import pytest
import torch

from probes.directions import Directions
from probes.quantities import Pending, Quantity, State, correlation, weight_norm
from probes.store.layout import Series

WEIGHT = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
STATE = State(3, {"weight": WEIGHT})

FAMILY = {
    "correlation": correlation("weight", Directions(torch.eye(6)[:5])),
    "correlation, identity": correlation("weight", Directions(torch.eye(6))),
    "correlation, float64": correlation("weight", Directions(torch.eye(6)[:5]), dtype="<f8"),
    "weight_norm": weight_norm("weight"),
    "own": Quantity("own", (), lambda state: state.parameters["weight"].abs().max()),
    "own, counts": Quantity("own", (), lambda state: torch.tensor(state.step), dtype="<i8"),
}


@pytest.mark.parametrize("name", FAMILY)
def test_values_have_the_declared_axes_and_dtype(name):
    quantity = FAMILY[name]
    pending = Pending([quantity])
    pending.measure(STATE)
    (array,) = pending.taken()[1].values()

    assert array.dtype == np.dtype(quantity.dtype)
    assert array.ndim == 1 + len(quantity.dims)


@pytest.mark.parametrize("name", FAMILY)
def test_measuring_changes_neither_the_state_nor_the_random_numbers(name):
    before = WEIGHT.clone(), torch.get_rng_state()
    FAMILY[name](STATE)

    assert torch.equal(WEIGHT, before[0])
    assert torch.equal(torch.get_rng_state(), before[1])


def test_a_series_carries_what_the_quantity_declares():
    quantity = Quantity("speed", ("neuron",), lambda state: WEIGHT[:, 0], "<f8", "1/step", {"neuron": tuple("abcd")})

    assert quantity.series((4,)) == Series("speed", ("neuron",), (4,), "<f8", "1/step", {"neuron": tuple("abcd")})


def test_values_of_other_axes_than_declared_are_refused():
    with pytest.raises(ValueError, match=r"weight\.norm.*\(4, 2\), got \('neuron',\)"):
        weight_norm("weight").series((4, 2))
