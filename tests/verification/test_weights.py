import json
import pickle
import re

import numpy as np
import pytest
from safetensors.numpy import save_file

from probes.errors import LogError
from probes.log.verification.weights import check_weights

ADVICE = "move it away, or copy the run anew"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.safetensors"


def written(path, header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes((len(text) if length is None else length).to_bytes(8, "little") + text + data)


def test_what_safetensors_wrote_is_whole(path):
    tensors = {"weight": np.ones((3, 2), "f4"), "memory": np.zeros((0, 2), "f8"), "steps": np.arange(5)}
    save_file(tensors, path, metadata={"step": "7"})

    assert check_weights(path) is None


def test_a_byte_less_or_more_is_refused(path):
    save_file({"weight": np.ones((3, 2), "f4")}, path)
    whole = path.read_bytes()
    for data, got in ((whole[:-1], 23), (whole + b"x", 25)):
        path.write_bytes(data)
        line = f"refused `{path}`: expected 24 bytes of tensors, got {got}; {ADVICE}"
        with pytest.raises(LogError, match=f"^{re.escape(line)}$"):
            check_weights(path)


def tensor(**changes):
    return {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | changes}


HEADERS = {
    "no JSON": (b"{", "expected tensors (safetensors), got JSONDecodeError: "),
    "a list": (b"[]", "expected tensors (safetensors), got AttributeError: "),
    "deep": (b"[" * 10**5, "expected tensors (safetensors), got RecursionError: "),
    "no tensor": ({"w": 7}, "expected tensors (safetensors), got TypeError: "),
    "no offsets": ({"w": {}}, "expected tensors (safetensors), got KeyError: 'data_offsets'"),
    "unknown type": (tensor(dtype="OBJECT"), "expected tensors (safetensors), got KeyError: 'OBJECT'"),
    "fraction": (tensor(shape=[2.0]), "expected tensors (safetensors), got ValueError: no whole numbers in tensor `w`"),
    "below 0": (tensor(shape=[-2]), "expected tensors (safetensors), got ValueError: no whole numbers in tensor `w`"),
    "size": (tensor(shape=[3]), "expected tensors (safetensors), got ValueError: 8 bytes for tensor `w` of F32 [3]"),
    "hole": (tensor(data_offsets=[4, 12]), "expected tensor `w` at byte 0 of the data, got byte 4"),
    "overlap": (tensor() | {"x": tensor()["w"]}, "expected tensor `x` at byte 8 of the data, got byte 0"),
}


@pytest.mark.parametrize("case", HEADERS)
def test_a_header_that_is_none_is_refused(path, case):
    header, reason = HEADERS[case]
    written(path, header, bytes(8))
    with pytest.raises(LogError, match=f"^{re.escape(f'refused `{path}`: {reason}')}.*; {ADVICE}$"):
        check_weights(path)


@pytest.mark.parametrize("data", [b"", b"\0" * 7, pickle.dumps(print), b"PK\x03\x04" + bytes(99)], ids=repr)
def test_what_is_no_safetensors_file_is_refused(path, data):
    path.write_bytes(data)
    with pytest.raises(LogError, match=rf"got .*; {ADVICE}$"):
        check_weights(path)


def test_a_header_longer_than_the_file_is_refused(path):
    written(path, b"{}", length=3)
    line = f"refused `{path}`: expected tensors (safetensors), got a header of 3 bytes in a file of 10; {ADVICE}"
    with pytest.raises(LogError, match=f"^{re.escape(line)}$"):
        check_weights(path)


def test_a_link_is_refused(path, tmp_path):
    path.symlink_to(tmp_path / "x")
    with pytest.raises(LogError, match="expected a plain file, got a link"):
        check_weights(path)
