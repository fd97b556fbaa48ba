import io
import re
import sys
from math import ceil, prod

import h5py
import numpy as np
import pytest
from tests.probes.log.runs import STEPS, arrays, manifest

from probes.log import Manifest, Series
from probes.log.rows import Gap, Rows
from probes.log.writing.segment import segment_bytes

SHAPES = [(100, ()), (1, (3,)), (1500, (7, 5)), (1024, (10, 20, 3, 2)), (2050, (1, 50)), (70, (9001,)), (9000, (2,))]


def opened(manifest, rows, **options):
    return h5py.File(io.BytesIO(segment_bytes(manifest, rows, **options)))


def one_series(rows, shape, dtype="<f4"):
    series = Series("w", tuple("abcd"[: len(shape)]), shape, dtype)
    values = np.random.default_rng(0).normal(size=(rows, *shape)).astype(dtype)
    return Manifest("seed-0", (series,)), Rows(np.arange(rows), {"w": values}, {})


@pytest.mark.parametrize("level", [0, 1, 9])
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
def test_a_chunk_has_the_checksum_that_hdf5_would_give_it(width):
    """Widths enough for odd and even numbers of bytes under the checksum."""
    one, written = one_series(200, (width,))
    with opened(one, written) as file, h5py.File(io.BytesIO(), "w") as other:
        _, ours = file["w"].id.read_direct_chunk((0, 0))
        content = np.frombuffer(ours[:-4], np.uint8)
        theirs = other.create_dataset("w", data=content, chunks=content.shape, fletcher32=True)
        assert theirs.id.read_direct_chunk((0,))[1] == ours


def test_noise_is_kept_as_it_is_and_the_rest_made_small():
    """The upper half of each value is known, the lower half is drawn."""
    random = np.random.default_rng(0).integers(0, 2**16, (256, 20), "<i8")
    one = Manifest("seed-0", (Series("w", ("a",), (20,), "<i8"),))
    with opened(one, Rows(np.arange(256), {"w": random + 2**40}, {})) as file:
        chunks = [file["w"].id.get_chunk_info(number) for number in range(file["w"].id.get_num_chunks())]

    assert sum(chunk.size for chunk in chunks) == pytest.approx(random.nbytes / 4, rel=0.05)


@pytest.mark.parametrize(("rows", "shape"), SHAPES, ids=str)
def test_chunks_are_long_in_steps_and_few_in_values(rows, shape):
    one, written = one_series(rows, shape)
    with opened(one, written) as file:
        chunks = file["w"].chunks

    assert chunks[0] >= min(rows, 256)
    assert prod(chunks) * 4 <= 24 * 1024
    assert prod(ceil(length / chunk) * chunk for length, chunk in zip((rows, *shape), chunks, strict=True)) <= (
        1.5 * rows * prod(shape) + 2**13
    )


def test_blosc2_keeps_every_value():
    pytest.importorskip("hdf5plugin")
    one, written = one_series(1500, (7, 5))
    with opened(one, written, compression="blosc2") as file:
        np.testing.assert_array_equal(file["w"], written.arrays["w"])
        assert (list(file["w"]._filters), file["w"].fletcher32) == (["32026", "fletcher32"], True)


def test_blosc2_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "hdf5plugin", None)
    one, written = one_series(3, (2,))
    line = re.escape("expected hdf5plugin for blosc2, got none; pip install feature-probes[fast]")
    with pytest.raises(ImportError, match=f"^{line}$"):
        segment_bytes(one, written, compression="blosc2")


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
