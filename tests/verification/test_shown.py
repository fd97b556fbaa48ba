import h5py
import numpy as np
import pytest

from probes.log import Series
from probes.log.verification.merged_view import Part, view_faults

SERIES = Series("a/b", ("neuron",), (3,))
PARTS = {
    part.file: part
    for part in (
        Part("seg-000000.h5", attempt=0, rows=4, first=0, last=3),
        Part("seg-000001.h5", attempt=0, rows=0, first=-1, last=-1),
        Part("seg-000002.h5", attempt=1, rows=2, first=4, last=5),
    )
}
RIGHT = ((0, 4, "seg-000000.h5"), (4, 6, "seg-000002.h5"))


@pytest.fixture
def faults(tmp_path):
    """What is found of a view of so many rows that shows stretches (start, stop, file) of a dataset."""

    def found(stretches, parts=PARTS, *, rows=6, name="a~1b", first=0, fill=np.nan, width=3):
        layout = h5py.VirtualLayout((rows, width), "<f4")
        for start, stop, file in stretches:
            source = h5py.VirtualSource(file, name, (first + stop - start, width), "<f4")
            layout[start:stop] = source[first:]
        with h5py.File(tmp_path / "log.h5", "w") as opened:
            opened.create_virtual_dataset("a~1b", layout, fill)
        with h5py.File(tmp_path / "log.h5") as opened:
            return list(view_faults(opened["a~1b"], SERIES, parts))

    return found


def test_a_view_of_the_rows_that_count_has_no_fault(faults):
    assert faults(RIGHT) == []


def test_of_a_segment_that_is_not_known_any_rows_may_be_shown(faults):
    assert faults(RIGHT, {}) == []
    assert faults(((0, 1, "seg-000000.h5"), (1, 6, "seg-000002.h5")), {}) == []


@pytest.mark.parametrize("file", ["/etc/passwd", "../seed-1/seg-000000.h5", ".", "seg-000000.wal", "log.h5"])
def test_no_file_but_a_segment_may_be_shown(faults, file):
    (line,) = faults(((0, 4, file), *RIGHT[1:]))

    assert line == f"`/a~1b` shows `a~1b` of `{file}`, which is no segment of the run"


ELSEWHERE = "shows other rows of `{}` than it should, or at another place"


@pytest.mark.parametrize(
    ("stretches", "options", "text"),
    [
        (RIGHT, {"name": "count"}, "shows `count` of `seg-000000.h5`, which is another series"),
        (RIGHT, {"first": 1}, ELSEWHERE.format("seg-000000.h5")),
        ([(0, 3, "seg-000000.h5"), (3, 6, "seg-000002.h5")], {}, ELSEWHERE.format("seg-000000.h5")),
        ([(0, 2, "seg-000002.h5"), (2, 6, "seg-000000.h5")], {}, "shows `seg-000000.h5` after `seg-000002.h5`"),
        ([(1, 5, "seg-000000.h5"), (5, 7, "seg-000002.h5")], {"rows": 7}, ELSEWHERE.format("seg-000000.h5")),
        (RIGHT[:1], {}, "shows 4 of 6 rows, and none of seg-000002.h5"),
        (RIGHT[:1], {"rows": 4}, "shows 4 of 4 rows, and none of seg-000002.h5"),
        (RIGHT, {"rows": 7}, "shows 6 of 7 rows, and none of a further file"),
    ],
)
def test_a_view_of_other_rows_is_named(faults, stretches, options, text):
    assert faults(stretches, **options) == [f"`/a~1b` {text}"]


@pytest.mark.parametrize("options", [{"fill": 0}, {"width": 4}], ids=str)
def test_a_view_of_another_kind_is_named(faults, options):
    line = "expected <f4 (3,) a step and NaN for what is missing in `/a~1b`"

    assert faults(RIGHT, **options) == [line]


def test_what_is_no_view_is_named(tmp_path):
    with h5py.File(tmp_path / "log.h5", "w") as file:
        file["a~1b"] = np.zeros((6, 3), "<f4")

        line = "expected a view of the segments in `/a~1b`, got something else"
        assert list(view_faults(file["a~1b"], SERIES, PARTS)) == [line]


def test_a_part_of_a_row_is_refused(tmp_path):
    layout = h5py.VirtualLayout((4, 3), "<f4")
    layout[:, :2] = h5py.VirtualSource("seg-000000.h5", "a~1b", (4, 2), "<f4")
    with h5py.File(tmp_path / "log.h5", "w") as file:
        dataset = file.create_virtual_dataset("a~1b", layout, np.nan)
        with pytest.raises(ValueError, match=r"^a part of a row in a view$"):
            list(view_faults(dataset, SERIES, {}))


def test_rows_of_another_width_are_refused(tmp_path):
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    here, there = h5py.h5s.create_simple((4, 3)), h5py.h5s.create_simple((6, 2))
    plan.set_virtual(here, b"seg-000000.h5", b"a~1b", there)
    plan.set_fill_value(np.array(np.nan, "<f4"))
    with h5py.File(tmp_path / "log.h5", "w") as file:
        dataset = h5py.Dataset(h5py.h5d.create(file.id, b"a~1b", h5py.h5t.IEEE_F32LE, here, plan))
        with pytest.raises(ValueError, match=r"^a part of a row in a view$"):
            list(view_faults(dataset, SERIES, {}))
