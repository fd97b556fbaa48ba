import pytest
import torch
from torch import nn

from probes.directions import Directions
from probes.errors import UsageError
from probes.quantities import Parameters, State, Tap, stored_directions, tapped

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
    message = r"^expected one tap for `conv1\.weight`, got `conv1\.\*` and `\*\.weight`; make one narrower$"
    with pytest.raises(UsageError, match=message):
        tapped({"conv1.*": DIRECTIONS, "*.weight": DIRECTIONS}, Parameters(Network()))


def test_an_axis_named_twice_is_refused():
    with pytest.raises(ValueError, match="expected different names") as refused:
        Tap(DIRECTIONS, ("view",))

    assert str(refused.value) == (
        "expected different names for the axes that `dims` and directions name, got ('view', 'feature_class', 'view')"
    )


def test_taps_of_different_directions_are_refused():
    with pytest.raises(UsageError, match="expected one set of directions") as refused:
        stored_directions({"a": DIRECTIONS, "b": Tap(DIRECTIONS), "c": Directions(torch.eye(3))})

    assert str(refused.value) == (
        "expected one set of directions for all taps of a recorder, got 2: "
        "Directions(feature_class=3, view=2, dim=12), Directions(feature=3, dim=3); "
        "give each its own Recorder on the same optimizer"
    )


def test_without_taps_there_are_no_directions():
    assert stored_directions({}) is None
