import pytest

from probes.analysis.sweeps.table import axes_of, is_sweep, points, sweep_table, written
from probes.errors import LogError

ROWS = [
    {
        "point": "001",
        "network.q": 3,
        "data.own": [1.0, 1.5],
        "seed": 0,
        "status": "finished",
        "seconds": 2.5,
        "path": "001",
    },
    {"point": "002", "network.q": 4, "data.own": [1.0, 1.1], "seed": 0, "status": "failed", "error": 'a, "b"'},
]


@pytest.fixture
def root(tmp_path):
    (tmp_path / "sweep.csv").write_text(written(ROWS, ["network.q", "data.own"]))
    return tmp_path


def test_what_is_written_is_read_again(root):
    table = sweep_table(root)
    assert table["point"].tolist() == ["001", "002"]
    assert axes_of(table) == ["network.q", "data.own"]
    assert table["network.q"].tolist() == [3, 4]
    assert table["error"].tolist() == ["", 'a, "b"']


def test_a_range_is_read_as_its_middle(root):
    assert sweep_table(root)["data.own"].tolist() == [1.25, 1.05]


def test_other_lists_are_read_as_they_are_written(tmp_path):
    rows = [{"point": "1", "runs.updates": ["stopped", "literal"], "seed": 0}]
    (tmp_path / "sweep.csv").write_text(written(rows, ["runs.updates"]))
    assert sweep_table(tmp_path)["runs.updates"].tolist() == ['["stopped", "literal"]']


def test_a_sweep_is_known_by_its_table(root, tmp_path):
    assert is_sweep(root)
    assert not is_sweep(tmp_path / "other")


def test_a_foreign_table_is_refused(tmp_path):
    (tmp_path / "sweep.csv").write_text("point,seed\n1,2\n")
    line = f"expected a column `status` in {tmp_path / 'sweep.csv'}, got point, seed: record the sweep again"
    with pytest.raises(LogError, match="expected a column") as error:
        sweep_table(tmp_path)
    assert str(error.value) == line


def test_a_table_that_is_not_there_is_named(tmp_path):
    with pytest.raises(
        LogError, match=r"expected the table of a sweep at .*sweep\.csv, got .*: record the sweep again"
    ):
        sweep_table(tmp_path)


def test_points_have_the_values_that_were_written(root):
    assert points(root)["001"] == {"point": "001", "values": {"network.q": 3, "data.own": [1.0, 1.5]}, "seed": 0}


@pytest.mark.parametrize("value", [3, 0.25, [1.0, 1.5], True, False, "private"])
def test_a_value_of_any_kind_is_read_as_it_was(tmp_path, value):
    row = {"point": "0123", "path": "0123", "seed": 7, "some.key": value}
    (tmp_path / "sweep.csv").write_text(written([row, {**row, "path": "x", "some.key": None}], ["some.key"]))
    assert points(tmp_path)["0123"]["values"] == {"some.key": value}
    assert points(tmp_path)["x"]["values"] == {}


def test_a_point_whose_name_looks_like_a_number_keeps_its_name(tmp_path):
    row = {"point": "000000000012", "path": "000000000012", "seed": 0}
    (tmp_path / "sweep.csv").write_text(written([row], []))
    assert list(points(tmp_path)) == ["000000000012"]
