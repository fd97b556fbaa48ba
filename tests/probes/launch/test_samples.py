from pathlib import Path

import numpy as np
import pytest

from probes.errors import UsageError
from probes.launch.sample_headers import _WEIGHTS, check_samples, check_weights
from probes.log.layout import WEIGHTS


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("names", [("inputs", "labels"), ("x", "y")])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_the_shape_of_inputs_is_read_from_the_header(names, save):
    save("data.npz", **dict(zip(names, (np.zeros((4, 3, 8, 8), "u1"), np.arange(4)), strict=True)))

    assert check_samples(Path("data.npz"), labelled=True) == (4, 3, 8, 8)


def test_without_labels_an_array_alone_will_do():
    np.save("data.npy", np.zeros((4, 3)))

    assert check_samples(Path("data.npy"), labelled=False) == (4, 3)


FAULTS = {
    "no labels": ({"x": np.zeros((4, 3))}, "expected in `data.npz` an array `labels` (or `y`), got x"),
    "no inputs": ({"y": np.arange(4)}, "expected in `data.npz` an array `inputs` (or `x`), got y"),
    "complex": (
        {"x": np.zeros((4, 3), "c16"), "y": np.arange(4)},
        "expected inputs in `data.npz` of numbers (sample, dim) or more axes, got shape (4, 3)",
    ),
    "one axis": (
        {"x": np.zeros(4), "y": np.arange(4)},
        "expected inputs in `data.npz` of numbers (sample, dim) or more axes, got 8-byte f of shape (4,)",
    ),
    "labels of floats": (
        {"x": np.zeros((4, 3)), "y": np.zeros(4)},
        "expected labels in `data.npz` of integers (4,), got 8-byte f of shape (4,)",
    ),
    "too few labels": (
        {"x": np.zeros((4, 3)), "y": np.arange(3)},
        "expected labels in `data.npz` of integers (4,), got 8-byte i of shape (3,)",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_arrays_that_do_not_fit_are_refused(case):
    arrays, text = FAULTS[case]
    np.savez("data.npz", **arrays)
    with pytest.raises(UsageError) as caught:
        check_samples(Path("data.npz"), labelled=True)

    assert str(caught.value) == text


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive"])
def test_a_damaged_file_is_refused(content):
    Path("data.npz").write_bytes(content)
    text = r"^no samples could be read from `data.npz`: expected arrays as numpy saves them$"
    with pytest.raises(UsageError, match=text):
        check_samples(Path("data.npz"), labelled=True)


def test_a_missing_file_is_refused():
    with pytest.raises(UsageError, match=r"^no samples could be read from `data.npz`: No such file or directory$"):
        check_samples(Path("data.npz"), labelled=True)


def test_weights_are_known_by_their_file():
    assert _WEIGHTS == WEIGHTS
    Path("run").mkdir()
    with pytest.raises(UsageError, match=r"^expected weights in a .safetensors file, or a run's directory that has"):
        check_weights(Path("run"))
    Path("run", WEIGHTS).touch()
    check_weights(Path("run"))
