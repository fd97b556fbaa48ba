"""Damage shows as NaN or as a refusal, never as a value, and costs no more than the chunk that it is in."""

import h5py
import numpy as np
import pytest
from tests.probes.log.runs import STEPS, arrays, closed

from probes.errors import LogError
from probes.log import Manifest, Series, open_log
from probes.log.writing import RunWriter


@pytest.fixture
def path(tmp_path):
    return closed(tmp_path / "seed-0").path


@pytest.fixture
def long(tmp_path):
    """A run of several chunks along each axis, and its values."""
    values = np.random.default_rng(0).normal(size=(600, 60)).astype("f4")
    with RunWriter(tmp_path / "long", Manifest("long", (Series("w", ("neuron",), (60,)),))) as writer:
        for step, row in enumerate(values):
            writer.append(step, {"w": row})
    return tmp_path / "long", values


def damage(path, name, corner):
    """Overwrite the middle of a chunk; the lengths of the chunks."""
    with h5py.File(path / "log.h5") as file:
        chunk, chunks = file[name].id.get_chunk_info_by_coord(corner(file[name].chunks)), file[name].chunks
    with (path / "log.h5").open("r+b") as file:
        file.seek(chunk.byte_offset + chunk.size // 2)
        file.write(b"\0\0\0\0")
    return chunks


def flipped(path, rng):
    """The file with one bit changed."""
    data = bytearray(path.read_bytes())
    data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
    path.write_bytes(data)


@pytest.mark.parametrize("flips", [100, pytest.param(1500, marks=pytest.mark.slow)])
def test_a_flipped_bit_never_gives_a_wrong_value(path, flips):
    rng = np.random.default_rng(0)
    good = (path / "log.h5").read_bytes()
    for _ in range(flips):
        (path / "log.h5").write_bytes(good)
        flipped(path / "log.h5", rng)
        try:
            log = open_log(path)
            assert log.steps.tolist() == STEPS.tolist()
            values = log["correlations"][:]
        except LogError:
            continue
        wrong = values != arrays()["correlations"]
        assert np.isnan(values[wrong]).all()
        assert bool(log.faults) == wrong.any()


def test_damage_is_nan_and_named(path):
    damage(path, "correlations", lambda _: (0, 0, 0, 0, 0))
    log = open_log(path)

    assert np.isnan(log["correlations"][:]).all()
    assert np.isnan(log["correlations"][4]).all()
    fault = f"`{path / 'log.h5'}`: damaged; NaN stands for some of `correlations`, steps 0 to 125"
    assert log.faults == (fault,)
    np.testing.assert_array_equal(log["conv/weight"][:], arrays()["conv/weight"])


@pytest.mark.parametrize(
    "index", [np.s_[:], np.s_[300], np.s_[250:520, 17:30], np.s_[::7, 3:50:4], np.s_[590:, 5]], ids=str
)
def test_damage_reaches_no_further_than_its_chunk(long, index):
    path, values = long
    steps, width = damage(path, "w", lambda chunks: chunks)
    values[steps : 2 * steps, width : 2 * width] = np.nan
    log = open_log(path)

    np.testing.assert_array_equal(log["w"][index], values[index])
    named = f"`{path / 'log.h5'}`: damaged; NaN stands for some of `w`, steps {steps} to {2 * steps - 1}"
    assert set(log.faults) <= {named}
    assert bool(log.faults) == np.isnan(values[index]).any()


def test_damaged_whole_numbers_are_refused(path):
    damage(path, "count", lambda _: (0,))
    with pytest.raises(LogError, match=r"intact HDF5 file of a run, got .*; move it away, or copy the run anew$"):
        open_log(path)["count"][:]
