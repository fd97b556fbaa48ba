import zlib

import h5py
import numpy as np
import pytest

from probes.log.verification.chunk_checksums import chunk_faults

VALUES = np.random.default_rng(0).normal(size=(100, 6)).astype("f4")
GZIP = {"shuffle": True, "compression": "gzip", "fletcher32": True}


@pytest.fixture
def found(tmp_path):
    """A way to say what is found of a dataset after a change."""

    def find(change=lambda dataset: None, **options):
        with h5py.File(tmp_path / "x.h5", "w") as file:
            change(file.create_dataset("w", **({"data": VALUES, "chunks": (10, 3)} | GZIP | options)))
        with h5py.File(tmp_path / "x.h5") as file:
            return list(chunk_faults(file["w"], "rows {} to {}".format))

    return find


def overwritten(*corners):
    """The stored bytes of some chunks changed, their checksums not."""

    def change(dataset):
        for corner in corners:
            mask, data = dataset.id.read_direct_chunk(corner)
            dataset.id.write_direct_chunk(corner, data[:20] + b"\0\0\0\0" + data[24:], mask)

    return change


@pytest.mark.parametrize("options", [{}, {"compression": "lzf"}, {"compression": None}, {"shuffle": False}], ids=str)
def test_chunks_as_they_were_written_have_no_fault(found, options):
    assert found(**options) == []


@pytest.mark.parametrize("values", [np.float32(1), np.empty((0, 3), "f4"), np.ones(1)], ids=repr)
def test_what_is_too_small_for_chunks_needs_no_checksum(found, values):
    assert found(data=values, chunks=None, **dict.fromkeys(GZIP)) == []


@pytest.mark.parametrize("options", [{}, {"compression": None}], ids=str)
def test_damaged_chunks_are_counted_and_their_rows_named(found, options):
    damage = overwritten((0, 0), (0, 3), (10, 0), (50, 3))

    assert found(damage, **options) == ["4 of 20 chunks of `/w` are damaged: rows 0 to 19, rows 50 to 59"]


@pytest.mark.parametrize(("count", "end"), [(5, ""), (6, ", ...")])
def test_only_five_stretches_are_named(found, count, end):
    damage = overwritten(*((row, 0) for row in range(0, 4 * count, 4)))
    named = ", ".join(f"rows {row} to {row + 1}" for row in range(0, 20, 4))

    assert found(damage, chunks=(2, 6)) == [f"{count} of 50 chunks of `/w` are damaged: {named}{end}"]


def test_chunks_that_were_never_written_are_missing(found):
    def change(dataset):
        dataset[:10] = 1

    line = "18 of 20 chunks of `/w` are missing: rows 10 to 99"
    assert found(change, data=None, shape=(100, 6), dtype="<f4", fillvalue=2) == [line]


def test_a_chunk_stored_without_its_checksum_is_named(found):
    def change(dataset):
        _, data = dataset.id.read_direct_chunk((20, 0))
        dataset.id.write_direct_chunk((20, 0), data[:-4], 0b100)  # its third filter was left out

    assert found(change) == ["1 of 20 chunks of `/w` have no checksum: rows 20 to 29"]


def test_a_chunk_that_gzip_could_not_make_smaller_is_whole(found):
    def change(dataset):
        data = VALUES[20:30, :3].copy().view("u1").reshape(-1, 4).T.tobytes()
        dataset.id.write_direct_chunk((20, 0), data + fletcher32(data).to_bytes(4, "little"), 0b010)

    assert found(change) == []


@pytest.mark.parametrize("size", [119, 121, 10**7])
def test_a_chunk_that_unpacks_to_another_size_is_named(found, size):
    def change(dataset):
        packed = zlib.compress(bytes(size))
        dataset.id.write_direct_chunk((20, 0), packed + fletcher32(packed).to_bytes(4, "little"))

    assert found(change) == ["1 of 20 chunks of `/w` unpack to another size than theirs: rows 20 to 29"]


def fletcher32(data):
    """As HDF5 takes it, word by word."""
    low = high = 0
    for place in range(0, len(data), 2):
        low = (low + int.from_bytes(data[place : place + 2].ljust(2, b"\0"))) % 65535
        high = (high + low) % 65535
    return high << 16 | low


@pytest.mark.parametrize("filters", [[], [3, 1], [1, 1, 3]])
def test_filters_that_leave_bytes_unchecked_or_multiply_them_are_named(tmp_path, filters):
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_chunk((10,))
    for number in filters:
        plan.set_fletcher32() if number == 3 else plan.set_deflate(1)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        space = h5py.h5s.create_simple((20,))
        dataset = h5py.Dataset(h5py.h5d.create(file.id, b"w", h5py.h5t.IEEE_F32LE, space, plan))

        line = f"expected checksums last among the filters of `/w`, got filters {filters}"
        assert list(chunk_faults(dataset, "rows {} to {}".format)) == [line]
