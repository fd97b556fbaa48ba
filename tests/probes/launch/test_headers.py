import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from probes.directions import Directions
from probes.errors import UsageError
from probes.launch.array_headers import check_directions


@pytest.fixture
def file(tmp_path):
    """A way to write a file of directions, or of something like it."""

    def write(content, suffix=".npy"):
        path = tmp_path / f"directions{suffix}"
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif suffix == ".npy":
            np.save(path, content)
        else:
            save_file(content, path)
        return path

    return write


@pytest.mark.parametrize("array", [np.ones((2, 3), "f4"), np.asfortranarray(np.ones((4, 2, 3))), np.ones((2, 3), "f2")])
def test_an_array_has_the_shape_that_it_is_read_with(array, file):
    path = file(array)

    assert check_directions(path) == Directions.read(path).shape


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_a_tensor_has_the_shape_that_it_is_read_with(dtype, file):
    path = file({"directions": torch.ones(4, 2, 3, dtype=dtype)}, ".safetensors")

    assert check_directions(path) == Directions.read(path).shape


ARRAYS = {
    "expected floating point": np.ones((2, 3), "i8"),
    "expected shape (feature, dim) or more axes, got (3,)": np.ones(3),
    "expected shape (feature, dim) or more axes, got (0, 3)": np.ones((0, 3)),
    "expected a header that tells of one array": b"\x93NUMPY\x01",
}


@pytest.mark.parametrize("fault", ARRAYS)
def test_an_array_that_is_no_set_of_directions_is_refused(fault, file):
    path = file(ARRAYS[fault])
    with pytest.raises(UsageError, match=f"^no directions could be read from `{path}`: {re.escape(fault)}$"):
        check_directions(path)


TENSORS = {
    "expected floating point": {"a": torch.ones(2, 3, dtype=torch.int64)},
    "expected a header that tells of one array": {"a": torch.ones(2, 3), "b": torch.ones(2, 3)},
    "expected shape (feature, dim) or more axes, got (3,)": {"a": torch.ones(3)},
}


@pytest.mark.parametrize("fault", TENSORS)
def test_tensors_that_are_no_set_of_directions_are_refused(fault, file):
    path = file(TENSORS[fault], ".safetensors")
    with pytest.raises(UsageError, match=f"^no directions could be read from `{path}`: {re.escape(fault)}$"):
        check_directions(path)


@pytest.mark.parametrize("suffix", [".npy", ".safetensors"])
def test_every_file_that_is_cut_off_is_refused(suffix, file):
    content = np.ones((2, 3)) if suffix == ".npy" else {"a": torch.ones(2, 3)}
    whole = file(content, suffix).read_bytes()

    for length in range(len(whole)):
        with pytest.raises(UsageError, match=r"^no directions could be read from"):
            check_directions(file(whole[:length], suffix))


def test_a_missing_file_and_another_kind_are_refused(tmp_path):
    path = tmp_path / "directions.npy"
    with pytest.raises(UsageError, match=f"^no directions could be read from `{path}`: No such file or directory$"):
        check_directions(path)
    with pytest.raises(UsageError, match=r"^expected directions in a .npy or .safetensors file, got `patches.csv`$"):
        check_directions(Path("patches.csv"))
