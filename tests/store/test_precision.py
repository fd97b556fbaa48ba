import json
import math
import re

import numpy as np
import pytest

from probes.log import Manifest, Series, memory_log
from probes.log.manifest import read_manifest, write_manifest
from probes.log.writing.precision import rounded

LEAST = {"<f4": -125, "<f8": -1021}  # exponents of `math.frexp` below which numbers are subnormal
CASES = [("<f4", 1), ("<f4", 12), ("<f4", 22), ("<f4", 23), ("<f8", 1), ("<f8", 12), ("<f8", 51), ("<f8", 52)]


def drawn(dtype):
    """Bits drawn at random: values of every size and sign, subnormal ones among them; and ties."""
    bits = np.random.default_rng(0).integers(0, 256, 4000 * int(dtype[-1]), np.uint8)
    values = bits.view(dtype)
    ties = np.array([1 + odd / 2**13 for odd in range(1, 40)], dtype)
    return np.concatenate([values[np.isfinite(values)], values[:50] * 0, ties, [2.0 ** LEAST[dtype] / 3]]).astype(dtype)


def plain(value, bits, least):
    """One value rounded by the book: a whole number of steps of its size, the nearest, of two the even one."""
    step = max(math.frexp(value)[1], least) - bits - 1
    return math.ldexp(round(math.ldexp(value, -step)), step)


@pytest.mark.parametrize(("dtype", "bits"), CASES)
def test_values_are_rounded_by_the_book(dtype, bits):
    values = drawn(dtype)
    largest = float(np.finfo(dtype).max)
    expected = [plain(value, bits, LEAST[dtype]) for value in values.tolist() if abs(value) < largest / 2]

    np.testing.assert_array_equal(rounded(values, bits)[np.abs(values) < largest / 2], np.array(expected, dtype))


@pytest.mark.parametrize(("dtype", "bits"), CASES)
def test_the_error_is_within_the_bound_that_run_json_has(tmp_path, dtype, bits):
    write_manifest(tmp_path, Manifest("seed-0", (Series("w", (), (), dtype, precision=f"bits:{bits}"),)))
    bound = json.loads((tmp_path / "run.json").read_text())["series"][0]["relative_error"]
    values = drawn(dtype)
    values = values[np.abs(values) >= np.finfo(dtype).tiny]
    changed = np.abs(rounded(values, bits).astype(np.longdouble) - values)

    assert read_manifest(tmp_path).series[0].precision == f"bits:{bits}"
    assert bound == 2.0 ** -(bits + 1)
    assert (changed <= bound * np.abs(values.astype(np.longdouble))).all()


@pytest.mark.parametrize("dtype", ["<f4", "<f8"])
def test_what_is_not_finite_or_would_not_be_stays(dtype):
    nans = np.full(2, -1, dtype.replace("f", "i")).view(dtype)  # every bit set
    values = np.concatenate([nans, np.array([np.nan, np.inf, -np.inf, np.finfo(dtype).max, 0.0, -0.0], dtype)])

    assert rounded(values, 12).tobytes() == values.tobytes()


def test_a_single_value_is_rounded():
    assert rounded(np.array(1.1), 3) == 1.125


def test_rounding_twice_changes_nothing_more():
    once = rounded(drawn("<f4"), 12)

    assert rounded(once, 12).tobytes() == once.tobytes()


def test_the_bits_left_out_are_zeros():
    assert not (rounded(drawn("<f4"), 12).view("<u4") & (2**11 - 1)).any()


@pytest.mark.parametrize(
    ("dtype", "precision", "able"),
    [
        ("<f4", "bits:0", "bits:1 to bits:23"),
        ("<f4", "bits:24", "bits:1 to bits:23"),
        ("<f8", "bits:53", "bits:1 to bits:52"),
        ("<f8", "bits:-1", "bits:1 to bits:52"),
        ("<f8", "12", "bits:1 to bits:52"),
        ("<i8", "bits:12", "none"),
    ],
)
def test_a_precision_that_cannot_be_is_refused(dtype, precision, able):
    line = f"series `w`: expected `precision` for {dtype} of {able}, got {precision!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(line)}$"):
        Series("w", (), (), dtype, precision=precision)


def test_a_lossless_series_is_written_as_it_always_was():
    assert sorted(Series("w", (), ()).to_json()) == ["dims", "dtype", "labels", "name", "shape", "unit"]


def test_a_log_shows_its_precision():
    series = (Series("w", ("neuron",), (1,), precision="bits:12"), Series("v", (), ()))
    log = memory_log(Manifest("seed-0", series), [0], {"w": [[1]], "v": [1]})

    assert repr(log) == "Log(seed-0: recording, 1 row, steps 0 to 0, w (step, neuron) bits:12, v (step))"
    assert log.to_xarray()["w"].attrs == {"units": "1", "precision": "bits:12"}
    assert log.to_xarray()["v"].attrs == {"units": "1"}
