import numpy as np
import pytest
import torch
from torch import nn

from probes.directions import Directions
from probes.log.layout import Series
from probes.measuring import Pending
from probes.models import Parameters
from probes.quantities import (
    ProbeBatch,
    Quantity,
    State,
    Tap,
    activations,
    active_share,
    alignment,
    balance,
    cosine,
    distance_from_start,
    dormant_share,
    effective_rank,
    gradient,
    overlaps,
    spectrum,
    stable_rank,
    update_size,
    update_terms,
    weight_norm,
)

pytestmark = pytest.mark.usefixtures("own_random_numbers")
DIRECTIONS = Directions(torch.eye(6)[:5])
MODEL = nn.Sequential(nn.Linear(6, 4), nn.Dropout(), nn.BatchNorm1d(4), nn.Linear(4, 2))
WEIGHT = MODEL[0].weight
STATE = State(0, Parameters(MODEL), MODEL)
BATCH = ProbeBatch(torch.ones(3, 6))
SGD = torch.optim.SGD(MODEL.parameters(), lr=0.1)

FAMILY = {
    "correlation": Tap(DIRECTIONS).quantity("0.weight", WEIGHT),
    "correlation, identity": Tap(Directions(torch.eye(6))).quantity("0.weight", WEIGHT),
    "correlation, float64": Tap(DIRECTIONS).quantity("0.weight", WEIGHT.double()),
    "null": Tap(DIRECTIONS).null().quantity("0.weight", WEIGHT),
    "weight_norm": weight_norm("0.weight"),
    "cosine": cosine("0.weight", DIRECTIONS),
    "distance_from_start": distance_from_start("0.weight"),
    "gradient": gradient("0.weight", DIRECTIONS),
    "update_terms": update_terms("0.weight", DIRECTIONS, terms=["fit"], optimizer=SGD),
    "activations": activations("0", torch.ones(3, 6), Directions(torch.eye(4))),
    "overlaps": overlaps("0.weight"),
    "overlaps, teacher": overlaps("0.weight", torch.eye(6)[:3]),
    "spectrum": spectrum("0.weight"),
    "effective_rank": effective_rank("0.weight"),
    "stable_rank": stable_rank("0.weight"),
    "alignment": alignment("0.weight", k=2),
    "alignment, last": alignment("0.weight", "last", angles=True),
    "alignment, directions": alignment("0.weight", DIRECTIONS),
    "balance": balance("0.weight", "3.weight"),
    "balance, per neuron": balance("0.weight", "3.weight", per_neuron=True),
    "update_size": update_size("0.weight", dims=("neuron",)),
    "active_share": active_share("2", BATCH),
    "dormant_share": dormant_share("2", BATCH),
    "own": Quantity("own", (), lambda state: state.parameters["0.weight"].abs().max()),
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
    assert pending.series[0].dims == quantity.dims


@pytest.mark.parametrize("name", FAMILY)
def test_measuring_changes_neither_the_model_nor_the_random_numbers(name):
    before = {key: value.clone() for key, value in MODEL.state_dict().items()}
    numbers, modes = torch.get_rng_state(), [module.training for module in MODEL.modules()]
    FAMILY[name](STATE)

    assert all(torch.equal(value, before[key]) for key, value in MODEL.state_dict().items())
    assert torch.equal(torch.get_rng_state(), numbers)
    assert [module.training for module in MODEL.modules()] == modes


def test_a_series_carries_what_the_quantity_declares():
    quantity = Quantity("speed", ("neuron",), lambda state: WEIGHT[:, 0], "<f8", "1/step", {"neuron": tuple("abcd")})

    assert quantity.series((4,)) == Series("speed", ("neuron",), (4,), "<f8", "1/step", {"neuron": tuple("abcd")})


KINDS = {
    "correlation": "correlation",
    "null": "null",
    "weight_norm": "norm",
    "cosine": "cosine",
    "distance_from_start": "distance",
    "gradient": "gradient",
    "update_terms": "update_term",
    "activations": "activation",
    "overlaps": "overlap",
    "spectrum": "spectrum",
    "effective_rank": "rank",
    "alignment": "alignment",
    "balance": "balance",
    "update_size": "update_size",
    "active_share": "activity",
    "own": "",
}


@pytest.mark.parametrize("name", KINDS)
def test_a_series_says_what_kind_of_thing_it_is(name):
    quantity = FAMILY[name]

    assert quantity.series(tuple(quantity(STATE).shape)).quantity == KINDS[name]


def test_values_of_other_axes_than_declared_are_refused():
    with pytest.raises(ValueError, match=r"weight\.norm.*\(4, 2\), got \('neuron',\)"):
        weight_norm("weight").series((4, 2))
