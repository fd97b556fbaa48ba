import h5py
import numpy as np
import pytest
from tests.probes.log.runs import ROW_BYTES, arrays, manifest

from probes.log import Manifest, Series, open_log
from probes.log.writing import RunWriter
from probes.log.writing.precision import rounded


@pytest.fixture
def writer(tmp_path):
    with RunWriter(tmp_path / "seed-0", manifest()) as writer:
        yield writer


@pytest.mark.parametrize("block", [ROW_BYTES * 8, 2**24])
def test_several_rows_at_once_are_as_one_by_one(tmp_path, block):
    with RunWriter(tmp_path / "seed-0", manifest(), block_bytes=block) as writer:
        for start in range(0, 50, 7):
            rows = slice(start, min(start + 7, 50))
            writer.extend(range(50)[rows], {name: values[rows] for name, values in arrays().items()})

    log = open_log(tmp_path / "seed-0")
    assert log.steps.tolist() == [*range(50)]
    for name, values in arrays().items():
        np.testing.assert_array_equal(log[name][:], values)


def test_of_several_rows_none_is_kept_where_one_is_wrong(writer):
    rows = {name: values[:2] for name, values in arrays().items()}
    with pytest.raises(ValueError, match=r"^expected a step after 1 in `.*`, got step 1$"):
        writer.extend([0, 1, 1], rows)
    with pytest.raises(ValueError, match=r"expected shape \(3, .* at steps 0 to 2, got \(2, "):
        writer.extend([0, 1, 2], rows)
    writer.extend([0, 1], rows)

    assert writer.rows == 2


def test_memory_of_sealed_rows_serves_again_without_touching_them(tmp_path):
    with RunWriter(tmp_path / "seed-0", manifest(), block_bytes=ROW_BYTES * 8, pack_bytes=0) as writer:
        for step in range(50):
            writer.append(step, {name: values[step] for name, values in arrays().items()})
            writer.flush()

    log = open_log(tmp_path / "seed-0")
    for name, values in arrays().items():
        np.testing.assert_array_equal(log[name][:], values)


@pytest.mark.parametrize("pack_bytes", [0, 2**26])
def test_blosc2_is_written_when_asked_for(tmp_path, pack_bytes):
    how = {"compression": "blosc2", "pack_bytes": pack_bytes, "block_bytes": ROW_BYTES * 8}
    with RunWriter(tmp_path / "seed-0", manifest(), **how) as writer:
        writer.extend(range(50), arrays())

    with h5py.File(tmp_path / "seed-0" / ("log.h5" if pack_bytes else "seg-000000.h5")) as file:
        assert "32026" in file["count"]._filters
    np.testing.assert_array_equal(open_log(writer.path)["count"][:], arrays()["count"])


def test_an_unknown_compression_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(ValueError, match=r"^expected `compression` \"gzip\" or \"blosc2\", got 'lzma'$"):
        RunWriter(tmp_path / "seed-0", manifest(), compression="lzma")

    assert not (tmp_path / "seed-0").exists()


def test_a_series_of_fewer_bits_is_rounded_once_live_and_sealed(tmp_path):
    values = np.random.default_rng(0).normal(size=(50, 3)).astype("f4")
    one = Series("w", ("neuron",), (3,), precision="bits:12")
    with RunWriter(tmp_path / "seed-0", Manifest("seed-0", (one,)), block_bytes=160, pack_bytes=0) as writer:
        for step in range(25):
            writer.append(step, {"w": values[step]})
        writer.extend(range(25, 50), {"w": values[25:]})
        writer.flush()
        np.testing.assert_array_equal(open_log(writer.path)["w"][:], rounded(values, 12))

    np.testing.assert_array_equal(open_log(writer.path)["w"][:], rounded(values, 12))
