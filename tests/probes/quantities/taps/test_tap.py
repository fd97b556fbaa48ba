import numpy as np
import pytest
import torch
from torch import nn

from probes.directions import Directions
from probes.errors import UsageError
from probes.models import Parameters
from probes.quantities import State, Tap, tapped

DIRECTIONS = Directions(torch.randn(3, 2, 12, generator=torch.Generator().manual_seed(0)))


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(12, 5)
        self.conv1 = nn.Conv1d(4, 6, 3)
        self.conv2 = nn.Conv2d(3, 7, 2)
        self.theory = nn.Parameter(torch.ones(3, 8, 12, dtype=torch.float64))


@pytest.mark.parametrize(
    ("name", "tap", "dims", "shape"),
    [
        ("linear.weight", DIRECTIONS, ("neuron",), (5, 3, 2)),
        ("conv1.weight", DIRECTIONS, ("neuron",), (6, 3, 2)),
        ("conv2.weight", DIRECTIONS, ("neuron",), (7, 3, 2)),
        ("theory", Tap(DIRECTIONS, ("class", "neuron")), ("class", "neuron"), (3, 8, 3, 2)),
    ],
)
def test_a_tap_records_the_axes_it_names(name, tap, dims, shape):
    parameters = Parameters(Network())
    (quantity,) = tapped({name: tap}, parameters)

    assert quantity.name == name
    assert quantity.dims == (*dims, "feature_class", "view")
    assert quantity(State(0, parameters)).shape == shape


def test_a_glob_taps_every_parameter_it_chooses():
    quantities = tapped({"conv*.weight": DIRECTIONS}, Parameters(Network()))

    assert [quantity.name for quantity in quantities] == ["conv1.weight", "conv2.weight"]


def test_double_precision_is_stored_as_it_is():
    taps = {"theory": Tap(DIRECTIONS, ("class", "neuron")), "linear.weight": DIRECTIONS}

    assert [quantity.dtype for quantity in tapped(taps, Parameters(Network()))] == ["<f8", "<f4"]


def test_labels_of_directions_reach_the_quantity():
    labelled = Directions(DIRECTIONS.vectors, labels={"view": ("left", "right")})
    (quantity,) = tapped({"linear.weight": labelled}, Parameters(Network()))

    assert quantity.labels == {"view": ("left", "right")}


def test_two_taps_on_one_parameter_are_refused():
    message = r"^expected one tap for `conv1\.weight`, got `conv1\.\*` and `\*\.weight`; make one narrower, or "
    with pytest.raises(UsageError, match=message + r"give it a suffix: `Tap\(directions, suffix='\.other'\)`$"):
        tapped({"conv1.*": DIRECTIONS, "*.weight": DIRECTIONS}, Parameters(Network()))


def test_an_axis_named_twice_is_refused():
    with pytest.raises(ValueError, match="expected different names") as refused:
        Tap(DIRECTIONS, ("view",))

    assert str(refused.value) == (
        "expected different names for the axes that `dims` and directions name, got ('view', 'feature_class', 'view')"
    )


def test_one_parameter_can_have_several_taps():
    other = Tap(Directions(torch.eye(12)), suffix=".axes")
    quantities = tapped({"linear.weight": [DIRECTIONS, other]}, Parameters(Network()))

    assert [quantity.name for quantity in quantities] == ["linear.weight", "linear.weight.axes"]
    assert [quantity.directions.names for quantity in quantities] == [("feature_class", "view"), ("feature",)]


def test_a_parameter_or_a_module_is_tapped_as_it_is():
    network = Network()
    quantities = tapped({network.conv1: DIRECTIONS, network.linear.weight: DIRECTIONS}, Parameters(network))

    assert [quantity.name for quantity in quantities] == ["conv1.weight", "linear.weight"]


@pytest.mark.parametrize("other", [nn.Linear(12, 5), nn.ReLU(), nn.Parameter(torch.ones(5, 12))], ids=repr)
def test_what_is_no_part_of_the_model_is_refused(other):
    what = "parameter" if isinstance(other, nn.Parameter) else f"{type(other).__name__} with a weight"
    with pytest.raises(UsageError) as refused:
        tapped({other: DIRECTIONS}, Parameters(Network()))

    names = "theory, linear.weight, linear.bias, conv1.weight, conv1.bias, conv2.weight, conv2.bias"
    assert str(refused.value) == f"expected a {what} of the model, got another; name the parameter, one of {names}"


LAYOUTS = {
    "attention's projections": (
        torch.randn(3 * 4, 12),
        Tap(DIRECTIONS, ("projection", "neuron"), (3, -1)),
        lambda w, p, r: w[4 * p + r],
    ),
    "attention's heads": (
        torch.randn(3 * 4, 12),
        Tap(DIRECTIONS, ("projection", "head", "neuron"), (3, 2, 2)),
        lambda w, p, h, r: w[4 * p + 2 * h + r],
    ),
    "columns": (torch.randn(12, 5), Tap(DIRECTIONS, transposed=True), lambda w, r: w[:, r]),
    "transposed convolution": (torch.randn(3, 5, 4), Tap(DIRECTIONS, transposed=True), lambda w, r: w[:, r].flatten()),
    "embedding": (torch.randn(7, 12), Tap(DIRECTIONS, ("token",)), lambda w, t: w[t]),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_tap_says_how_a_parameter_is_laid_out(name):
    weight, tap, row = LAYOUTS[name]
    values = tap.project(weight)

    assert values.ndim == len(tap.axes)
    for place in np.ndindex(*values.shape[:-2]):
        for j, v in np.ndindex(3, 2):
            expected = sum((row(weight, *place) * DIRECTIONS.vectors[j, v]).tolist())
            assert values[(*place, j, v)].item() == pytest.approx(expected, abs=1e-5)


def test_a_first_axis_that_cannot_be_cut_so_is_refused():
    with pytest.raises(UsageError) as refused:
        Tap(DIRECTIONS, ("projection", "neuron"), (3, -1)).project(torch.ones(8, 12), "in_proj_weight")

    assert str(refused.value) == "expected a first axis of `in_proj_weight` that can be cut into (3, -1), got 8"


def test_a_tap_of_fewer_bits_is_stored_with_its_error():
    weight = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    one = Tap(Directions(torch.eye(5)), precision="bits:12").quantity("w", weight).series((3, 5))

    assert (one.precision, one.relative_error) == ("bits:12", 2**-13)


def test_a_split_names_every_axis():
    with pytest.raises(ValueError, match=r"^expected in `split` a length for each of \('neuron',\), got \(3, -1\)$"):
        Tap(DIRECTIONS, ("neuron",), (3, -1))
