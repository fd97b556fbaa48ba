"""The null that stands beside a tap: statistics of random features, computed for many steps at once."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from probes.directions import Directions
from probes.measuring import Pending
from probes.models import Parameters
from probes.quantities import Largest, OwnClass, State, Strength, Tap, cosine, nulls, tapped

GENERATOR = torch.Generator().manual_seed(0)
PLANTED = Directions(torch.randn(3, 2, 12, generator=GENERATOR))
ESTIMATED = Directions(torch.eye(12), facts={"estimator": "class_means"})
WAVES = Directions(torch.randn(3, 2, 12, generator=GENERATOR), ("frequency", "phase"), component="phase")
MODEL = nn.Sequential(nn.Linear(12, 5), nn.Linear(12, 4))

LAYOUTS = {  # shape of the parameter, tap, lengths of the laid-out axes that are kept apart and that are reduced
    "neurons": ((5, 12), Tap(PLANTED), (), (5,)),
    "a convolution": ((5, 3, 4), Tap(PLANTED), (), (5,)),
    "neurons of classes": ((3, 5, 12), Tap(PLANTED, ("class", "neuron")), (3,), (5,)),
    "a parameter a class": ((3, 12), Tap(PLANTED, ("class",)), (), (3,)),
    "heads": ((6, 12), Tap(PLANTED, ("head", "neuron"), (2, -1)), (), (6,)),
    "columns": ((12, 5), Tap(PLANTED, transposed=True), (), (5,)),
    "a transposed convolution": ((3, 5, 4), Tap(PLANTED, transposed=True), (), (5,)),
    "frequencies": ((5, 12), Tap(WAVES), (), (5,)),
    "frequencies of classes": ((3, 5, 12), Tap(WAVES, ("class", "neuron")), (3,), (5,)),
    "one vector": ((12,), Tap(PLANTED, ()), (), (1,)),
    "what is reduced itself": ((5, 12), Tap(PLANTED, reduction=Largest(2), suffix=".largest"), (), (5,)),
    "more units than are computed at once": ((3000, 12), Tap(PLANTED), (), (3000,)),
}


def states(shape, dtype=torch.float32):
    return torch.randn(16, *shape, generator=torch.Generator().manual_seed(1)).to(dtype)


def recorded(quantity, weights, together=16):
    """The values of every step, so many of which wait together."""
    pending, rows = Pending([quantity]), []
    for step, weight in enumerate(weights):
        pending.measure(State(step, {"w": weight}))
        if (step + 1) % together == 0:
            rows.append(pending.taken()[1][quantity.name].copy())
    return np.concatenate(rows)


def slow(tap, weight, kept, units):
    """Loops over classes, random features and units."""
    laid = tap.laid_out(weight).reshape(math.prod(kept), math.prod(units), -1).double()
    features = tap.directions.vectors.double().reshape(len(tap.directions.vectors), -1, tap.directions.dim)
    rows = []
    for rows_of_class in laid:
        for feature in features:
            values = [[float(row @ vector) for vector in feature] for row in rows_of_class]
            values = [math.hypot(*pair) if len(pair) > 1 else pair[0] for pair in values]
            positive = [max(value, 0.0) for value in values]
            rows.append([sum(map(abs, values)), max(map(abs, values)), sum(positive), max(positive)])
    return np.array(rows).reshape(*kept, len(features), 4)


@pytest.mark.parametrize("name", LAYOUTS)
def test_what_is_computed_at_once_is_that_of_each_step(name):
    shape, tap, kept, units = LAYOUTS[name]
    weights, null = states(shape), tap.null()
    quantity = null.quantity("w", weights[0])
    found = recorded(quantity, weights)

    assert quantity.dims == (*("class" for _ in kept), "random", "statistic")
    assert quantity.batch is not None
    for step in (0, 1, 15):
        np.testing.assert_allclose(found[step], slow(null, weights[step], kept, units), rtol=1e-4, atol=1e-5)
        values = quantity(State(step, {"w": weights[step]}))
        np.testing.assert_allclose(found[step], values, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_bits_of_a_step_do_not_depend_on_its_place(name):
    shape, tap, *_ = LAYOUTS[name]
    weights = states(shape)
    quantity = tap.null().quantity("w", weights[0])

    found = [recorded(quantity, weights, together).tobytes() for together in (16, 8, 1)]
    assert found == found[:1] * 3


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_weights_of_other_types_have_a_null(dtype):
    weights, null = states((5, 12), dtype), Tap(PLANTED).null()
    quantity = null.quantity("w", weights[0])

    assert quantity.dtype == ("<f8" if dtype == torch.float64 else "<f4")
    np.testing.assert_allclose(recorded(quantity, weights)[3], slow(null, weights[3], (), (5,)), rtol=1e-4)


def test_every_tap_has_a_null_after_all_taps():
    taps = {"*.weight": [Tap(PLANTED, suffix=".a"), Tap(ESTIMATED, suffix=".b")]}
    names = [f"{layer}.weight.{tap}" for layer in "01" for tap in "ab"]

    assert [each.name for each in tapped(taps, Parameters(MODEL))] == names
    assert [each.name for each in tapped(taps, Parameters(MODEL), null=True)] == [
        *names,
        *(f"{name}.null" for name in names),
    ]


def test_the_null_says_what_it_is():
    quantity = tapped({"0.weight": WAVES}, Parameters(MODEL), null=True)[1]

    assert quantity.labels == {"statistic": ("strength", "peak", "strength_positive", "peak_positive")}
    assert (quantity.directions.names, quantity.directions.component) == (("random", "phase"), "phase")
    assert quantity.directions.facts == {
        "estimator": "null(seed=0)",
        "null_of": WAVES.sha256,
        "orthogonal_to": "nothing: dim 12 is too small for 32 directions",
    }


def test_random_directions_have_no_null_of_their_own():
    assert nulls([("w", Tap(PLANTED.null()))]) == []


def test_a_null_of_a_users_own_stands():
    own = Tap(PLANTED.null(), reduction=Strength(), suffix=".null")
    quantities = tapped({"0.weight": [PLANTED, own]}, Parameters(MODEL), null=True)

    assert [(each.name, each.dims) for each in quantities] == [
        ("0.weight", ("neuron", "feature_class", "view")),
        ("0.weight.null", ("feature_class", "view")),
    ]


def test_a_null_reads_what_its_tap_reads():
    quantity, null = tapped({"0.weight": PLANTED}, Parameters(MODEL), null=True)

    assert quantity.reads == null.reads == ("0.weight",)


@pytest.mark.parametrize(
    ("tap", "kind"),
    [
        (Tap(PLANTED), "correlation"),
        (Tap(PLANTED, ("class", "neuron"), reduction=OwnClass()), "correlation"),
        (Tap(PLANTED, reduction=Largest()), "reduced"),
        (Tap(PLANTED, reduction=Strength()), "reduced"),
        (Tap(PLANTED.null(), reduction=Strength()), "null"),
        (Tap(PLANTED).null(), "null"),
    ],
)
def test_a_tap_says_what_kind_of_thing_it_is(tap, kind):
    assert tap.quantity("w", torch.ones(12)).quantity == kind
    assert cosine("w", tap).quantity == "cosine"
