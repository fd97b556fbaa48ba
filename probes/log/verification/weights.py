"""Kept weights as a file: whether it holds the tensors that its header declares, found out without loading any."""

import json
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any

from probes.files.durable import check_plain, refusal

__all__ = ["check_weights"]

# https://github.com/huggingface/safetensors#format: length of the header, header as JSON, bytes of the tensors.
_LENGTH = 8
_LARGEST_HEADER = 100_000_000
_READ_AT_ONCE = 2**20
_BITS = {"BOOL": 8, "U8": 8, "I8": 8, "U16": 16, "I16": 16, "U32": 32, "I32": 32, "U64": 64, "I64": 64}
_BITS |= {"F8_E5M2": 8, "F8_E4M3": 8, "F16": 16, "BF16": 16, "F32": 32, "F64": 64, "C64": 64}


def check_weights(path: Path) -> None:
    """Read the file to its end, a piece at a time; return if it is whole.

    Raises:
        LogError: it is no plain file, no safetensors file, or its tensors do not fill it exactly.
        FileNotFoundError: there is none.

    Example:
        >>> header = b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
        >>> _ = Path("weights.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
        >>> check_weights(Path("weights.safetensors"))
    """
    check_plain(path)
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH), "little")
        if length > min(_LARGEST_HEADER, size - _LENGTH):
            raise refusal(path, f"expected tensors (safetensors), got a header of {length} bytes in a file of {size}")
        try:
            spans = sorted(_spans(json.loads(file.read(length))))
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
            raise refusal(path, f"expected tensors (safetensors), got {type(error).__name__}: {error}") from error
        while file.read(_READ_AT_ONCE):
            pass

    end = 0
    for first, last, name in spans:
        if first != end:
            raise refusal(path, f"expected tensor `{name}` at byte {end} of the data, got byte {first}")
        end = last
    if end != size - _LENGTH - length:
        raise refusal(path, f"expected {end} bytes of tensors, got {size - _LENGTH - length}")


def _spans(header: Mapping[str, Any]) -> Iterator[tuple[int, int, str]]:
    """First byte, end and name of every tensor."""
    for name, tensor in header.items():
        if name == "__metadata__":
            continue
        first, last = tensor["data_offsets"]
        shape = tensor["shape"]
        if any(type(number) is not int or number < 0 for number in (first, last, *shape)):
            raise ValueError(f"no whole numbers in tensor `{name}`")
        if (last - first) * 8 != prod(shape) * _BITS[tensor["dtype"]]:
            raise ValueError(f"{last - first} bytes for tensor `{name}` of {tensor['dtype']} {shape}")
        yield first, last, name
