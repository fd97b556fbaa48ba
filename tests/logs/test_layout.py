import json
from dataclasses import replace

import pytest
from tests.probes.log.runs import SERIES

from probes.log import Series
from probes.log.layout import axis_names, plain_name, stored_name

SERIES_W = Series("w", ("class", "neuron"), (2, 3))


@pytest.mark.parametrize("series", SERIES, ids=lambda series: series.name)
def test_a_series_survives_json(series):
    assert Series.from_json(json.loads(json.dumps(series.to_json()))) == series


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": ""}, "expected a name of 1 to 255 printable characters, got ''"),
        ({"name": ".."}, "expected a name of 1 to 255 printable characters, got '..'"),
        ({"name": "\ud800"}, r"expected a name of 1 to 255 printable characters, got '\ud800'"),
        ({"name": "a\nb"}, r"expected a name of 1 to 255 printable characters, got 'a\nb'"),
        ({"dims": ("a", "")}, "expected a name of 1 to 255 printable characters, got ''"),
        ({"dims": ("a",)}, "series `w`: expected a dim for each length of (2, 3), got ('a',)"),
        ({"dims": ("a", "a")}, "series `w`: expected a dim for each length of (2, 3), got ('a', 'a')"),
        ({"dims": ("step", "a")}, "series `w`: expected a dim for each length of (2, 3), got ('step', 'a')"),
        ({"shape": (2, 0)}, "series `w`: expected lengths of at least 1 in `shape`, got (2, 0)"),
        ({"shape": (2, 1.5)}, "series `w`: expected lengths of at least 1 in `shape`, got (2, 1.5)"),
        ({"dtype": "<f2"}, "series `w`: expected `dtype` of <f4, <f8, <i8, got '<f2'"),
        ({"shape": (2, 2**28)}, "series `w`: expected at most 536870912 bytes a step, got 2147483648"),
        (
            {"labels": {"class": ("a",)}},
            "series `w`: expected labels for {'class': 2, 'neuron': 3}, got {'class': ('a',)}",
        ),
        ({"labels": {"x": ()}}, "series `w`: expected labels for {'class': 2, 'neuron': 3}, got {'x': ()}"),
    ],
    ids=str,
)
def test_a_malformed_series_is_refused(change, message):
    with pytest.raises(ValueError, match="expected") as error:
        replace(SERIES_W, **change)

    assert str(error.value) == message


def test_an_axis_that_means_one_thing_keeps_its_name():
    other = Series("v", ("neuron", "view"), (3, 2))

    assert set(axis_names([SERIES_W, other]).values()) == {"class", "neuron", "view"}


def test_an_axis_that_means_two_things_is_named_after_its_series():
    other = replace(SERIES_W, name="v", labels={"class": ("left", "right")})

    assert axis_names([SERIES_W, other])["v", "class"] == "v.class"
    assert axis_names([SERIES_W, other])["v", "neuron"] == "neuron"


@pytest.mark.parametrize("name", ["loss", "train/loss", "a~b", "~0/~1", "50 %"])
def test_any_name_can_be_stored_without_a_slash(name):
    assert "/" not in stored_name(name)
    assert plain_name(stored_name(name)) == name


def test_what_kind_of_thing_a_series_is_stands_in_its_json_where_it_is_known():
    known, unknown = Series("w", ("neuron",), (3,), quantity="norm"), Series("w", ("neuron",), (3,))

    assert known.to_json()["quantity"] == "norm"
    assert Series.from_json(known.to_json()) == known
    assert unknown.to_json().keys() == {"name", "dims", "shape", "dtype", "unit", "labels"}
    assert Series.from_json(unknown.to_json()) == unknown
