import zlib
from itertools import product

import h5py
import numpy as np
import pytest

from probes.log.writing.compression import FAST, packed_chunks

SHARES = {"noise": (1.0, 1.01), "the step before": (0.25, 0.35), "few values": (0.35, 0.5)}


def planes(kind):
    """Values of one byte, ``(step, value)``: a single plane."""
    draws = np.random.default_rng(0)
    if kind == "noise":
        return draws.integers(0, 256, (256, 25), np.uint8)
    if kind == "few values":
        return draws.integers(0, 8, (256, 25), np.uint8)
    return np.repeat(draws.integers(0, 256, (64, 25), np.uint8), 4, axis=0)  # each row four times


@pytest.mark.parametrize("level", [1, 3, 4, 9])
@pytest.mark.parametrize("kind", SHARES)
def test_what_is_worth_it_is_compressed(kind, level):
    (chunk,) = packed_chunks(planes(kind), (256, 25), level)

    least, most = SHARES[kind]
    assert least < len(chunk) / planes(kind).size < most
    assert zlib.decompress(chunk[:-4]) == planes(kind).tobytes()


@pytest.mark.parametrize("level", [0, 1, 4])
@pytest.mark.parametrize("kinds", list(product(["noise", "few values"], repeat=4)), ids=" | ".join)
def test_planes_that_are_worth_it_stand_beside_others_in_any_order(kinds, level, tmp_path):
    values = np.stack([planes(kind) for kind in kinds], -1).view("<f4")[..., 0]
    (chunk,) = packed_chunks(values, (256, 25), level)

    with h5py.File(tmp_path / "x.h5", "w") as file:
        options = {"shuffle": True, "compression": "gzip", "fletcher32": True}
        dataset = file.create_dataset("w", values.shape, "<f4", chunks=values.shape, **options)
        dataset.id.write_direct_chunk((0, 0), chunk)
    with h5py.File(tmp_path / "x.h5") as file:  # which checks the sums
        assert file["w"][:].tobytes() == values.tobytes()
    kept = sum(0.5 if kind == "few values" and level else 1 for kind in kinds)
    assert len(chunk) < (kept + 0.01) * planes("noise").size


def test_what_stays_as_it_is_may_be_longer_than_a_stored_block():
    values = np.random.default_rng(0).integers(0, 256, (256, 600), np.uint8)
    (chunk,) = packed_chunks(values, (256, 600), FAST)

    assert zlib.decompress(chunk[:-4]) == values.tobytes()


def test_checksums_of_chunks_of_unequal_length_do_not_depend_on_each_other():
    together = np.concatenate([planes("noise"), planes("few values"), np.zeros((256, 25), np.uint8)])
    alone = [next(packed_chunks(part, (256, 25), FAST)) for part in np.split(together, 3)]

    assert list(packed_chunks(together, (256, 25), FAST)) == alone


def test_the_first_bytes_come_first():
    values = np.arange(6, dtype="<f8").reshape(3, 2)
    chunks = [zlib.decompress(chunk[:-4]) for chunk in packed_chunks(values, (2, 2), FAST)]

    filled = [values[:2], np.vstack([values[2:], np.zeros((1, 2))])]
    assert chunks == [np.frombuffer(part.tobytes(), "u1").reshape(4, 8).T.tobytes() for part in filled]


def test_chunks_come_in_the_order_of_their_corners():
    values = np.arange(24, dtype="<i8").reshape(4, 6)
    chunks = [zlib.decompress(chunk[:-4]) for chunk in packed_chunks(values, (2, 3), 0)]

    corners = [(0, 0), (0, 3), (2, 0), (2, 3)]
    assert [chunk[:6] for chunk in chunks] == [
        values[row : row + 2, column : column + 3].astype("u1").tobytes() for row, column in corners
    ]
