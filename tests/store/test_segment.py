import io
from math import ceil, prod

import h5py
import numpy as np
import pytest

from probes.store import Manifest, Series
from probes.store.rows import Gap, Rows
from probes.store.segment import segment_bytes
from tests.store.runs import STEPS, arrays, manifest

SHAPES = [(100, ()), (1, (3,)), (1500, (7, 5)), (1024, (10, 20, 3, 2)), (2050, (1, 50)), (70, (9001,)), (9000, (2,))]


def opened(manifest, rows, **options):
    return h5py.File(io.BytesIO(segment_bytes(manifest, rows, **options)))


def one_series(rows, shape, dtype="<f4"):
    series = Series("w", tuple("abcd"[: len(shape)]), shape, dtype)
    values = np.random.default_rng(0).normal(size=(rows, *shape)).astype(dtype)
    return Manifest("seed-0", (series,)), Rows(np.arange(rows), {"w": values}, {})


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize(("rows", "shape"), SHAPES, ids=str)
def test_any_tool_reads_the_chunks_that_were_made_here(rows, shape, level):
    one, written = one_series(rows, shape)
    with opened(one, written, level=level) as file:
        np.testing.assert_array_equal(file["w"], written.arrays["w"])
        assert (file["w"].shuffle, file["w"].compression, file["w"].fletcher32) == (True, "gzip", True)


@pytest.mark.parametrize("dtype", ["<f8", "<i8"])
def test_every_dtype_is_kept(dtype):
    one, written = one_series(1100, (200,), dtype)
    with opened(one, written) as file:
        assert file["w"].dtype == dtype
        np.testing.assert_array_equal(file["w"], written.arrays["w"])


@pytest.mark.parametrize("width", range(1, 30))
def test_a_chunk_has_the_bytes_that_hdf5_would_give_it(width):
    """Widths enough for odd and even numbers of bytes under the checksum."""
    one, written = one_series(1000, (width,))
    packed = {"shuffle": True, "compression": "gzip", "compression_opts": 1, "fletcher32": True}
    with opened(one, written) as file, h5py.File(io.BytesIO(), "w") as other:
        theirs = other.create_dataset("w", data=written.arrays["w"], chunks=(1000, width), **packed)
        assert file["w"].id.read_direct_chunk((0, 0)) == theirs.id.read_direct_chunk((0, 0))


@pytest.mark.parametrize(("rows", "shape"), SHAPES, ids=str)
def test_chunks_are_long_in_steps_and_fit_a_cache(rows, shape):
    one, written = one_series(rows, shape)
    with opened(one, written) as file:
        chunks = file["w"].chunks

    assert chunks[0] >= min(rows, 1024)
    assert prod(chunks) * 4 <= 2**19
    assert prod(ceil(length / chunk) * chunk for length, chunk in zip((rows, *shape), chunks, strict=True)) <= (
        1.5 * rows * prod(shape) + 2**17
    )


def test_a_file_says_what_it_is():
    rows = Rows(STEPS, arrays(), {"train/loss": (np.array([3]), np.array([0.5]))}, [Gap(5, 6, 2)])
    with opened(manifest(), rows) as file:
        assert {name: np.asarray(value).tolist() for name, value in file.attrs.items()} == {
            "format_version": 1,
            "run_id": b"seed-0",
            "attempt": 0,
            "gaps": [[5, 6, 2]],
        }
        assert file["conv~1weight"].attrs["units"] == "nats"
        assert (file["scalars/train~1loss/step"][:], file["scalars/train~1loss/value"][:]) == ([3], [0.5])


def test_the_same_rows_make_the_same_bytes():
    rows = Rows(STEPS, arrays(), {})

    assert segment_bytes(manifest(), rows) == segment_bytes(manifest(), rows)
