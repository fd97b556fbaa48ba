"""Reads of few values, from the third on without HDF5, agree with what was recorded, also where a file has changed."""

import h5py
import numpy as np
import pytest

from probes.log import Manifest, Series, open_log
from probes.log.hdf5.sparse_reads import Chunks, identity
from probes.log.writing import RunWriter

SERIES = (
    Series("w", ("class", "value"), (3, 700)),
    Series("double", ("value",), (600,), "<f8"),
    Series("count", ("value",), (600,), "<i8"),
)
STEPS = 700
INDICES = [
    np.s_[:, 1, 5],
    np.s_[40:41],
    np.s_[255:258, :2, 3],
    np.s_[10:650, 2, 690:],
    np.s_[3, 1:, 690:],
    np.s_[-1],
    np.s_[:, -1, -1],
    np.s_[::3, 1, 5],
    np.s_[:, np.int64(1), 5],
]


@pytest.fixture(scope="module")
def values():
    random = np.random.default_rng(0)
    grown = np.cumsum(random.normal(scale=1e-3, size=(STEPS, 3, 700)), 0)
    return {
        "w": grown.astype("f4"),
        "double": random.normal(size=(STEPS, 600)),
        "count": random.integers(-(2**40), 2**40, (STEPS, 600)),
    }


def record(path, values, **options):
    with RunWriter(path, Manifest(path.name, SERIES), overwrite=True, **options) as writer:
        writer.extend(range(STEPS), values)


@pytest.fixture
def run(tmp_path, values):
    record(tmp_path / "run", values)
    return tmp_path / "run"


@pytest.fixture
def without_hdf5(monkeypatch):
    """Reads that HDF5 has no part in: whether the last one did without it."""
    answers = []
    read = Chunks.read

    def watched(self, path, index):
        answers.append(read(self, path, index))
        return answers[-1]

    monkeypatch.setattr(Chunks, "read", watched)
    return lambda: answers[-1] is not None


def flip(file, place):
    with file.open("r+b") as opened:
        opened.seek(place)
        byte = opened.read(1)[0]
        opened.seek(place)
        opened.write(bytes([byte ^ 1]))


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_every_read_gives_the_same(run, values, index):
    view = open_log(run)["w"]
    for _ in range(4):
        np.testing.assert_array_equal(view[index], values["w"][index], strict=True)


@pytest.mark.parametrize("name", ["w", "double", "count"])
def test_the_third_does_without_hdf5(run, values, name, without_hdf5):
    view = open_log(run)[name]
    for expected in (False, False, True):
        index = (slice(None), *(7 % length for length in view.shape[1:]))
        np.testing.assert_array_equal(view[index], values[name][index], strict=True)
        assert without_hdf5() == expected


def test_much_of_the_chunks_is_left_to_hdf5(run, without_hdf5):
    view = open_log(run)["w"]
    for _ in range(3):
        view[:]
        assert not without_hdf5()


def test_several_segments(tmp_path, values, without_hdf5):
    record(tmp_path / "run", values, block_bytes=2**22, pack_bytes=0)
    assert len(list((tmp_path / "run").glob("seg-*.h5"))) > 1
    view = open_log(tmp_path / "run")["w"]
    for _ in range(3):
        np.testing.assert_array_equal(view[:, 0, 3], values["w"][:, 0, 3])
    assert without_hdf5()


def test_other_filters_are_left_to_hdf5(run, values, without_hdf5):
    with h5py.File(run / "log.h5", "r+") as file:
        del file["w"]
        file.create_dataset("w", data=values["w"], chunks=(64, 1, 100), compression="gzip")
    view = open_log(run)["w"]
    for _ in range(3):
        np.testing.assert_array_equal(view[:, 0, 3], values["w"][:, 0, 3])
        assert not without_hdf5()


def test_a_file_that_was_replaced_is_read_anew(run, values, without_hdf5):
    view = open_log(run)["w"]
    for _ in range(3):
        view[:, 0, 3]
    assert without_hdf5()
    other = {name: array + 1 for name, array in values.items()}
    created = open_log(run).manifest.created
    record(run.with_name("other"), other)
    (run.with_name("other") / "log.h5").replace(run / "log.h5")
    with h5py.File(run / "log.h5", "r+") as file:
        file.attrs["run_id"] = np.bytes_(b"run")
    assert created == open_log(run).manifest.created
    np.testing.assert_array_equal(view[:, 0, 3], other["w"][:, 0, 3])
    assert not without_hdf5()


def test_every_flipped_bit_of_a_chunk_is_seen(run, values):
    """The checksum of the gzip tells; of the filter's, which is not read, no value depends."""
    with h5py.File(run / "log.h5") as file:
        chunk = file["w"].id.get_chunk_info_by_coord((256, 1, 0))
    right = values["w"][:, 1, 5]
    for place in np.random.default_rng(0).integers(chunk.byte_offset, chunk.byte_offset + chunk.size, 50):
        log = open_log(run)
        for _ in range(3):
            log["w"][:, 1, 5]
        part = log.parts()[0].arrays["w"]
        flip(run / "log.h5", place)
        part.chunks._places = part.chunks._places._replace(file=identity((run / "log.h5").lstat()))
        found = log["w"][:, 1, 5]
        wrong = found != right
        assert np.isnan(found[wrong]).all()
        assert bool(log.faults) == wrong.any()
        flip(run / "log.h5", place)
