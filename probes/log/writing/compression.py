"""Chunks of a dataset as HDF5 keeps them: shuffled, deflated and under a checksum, but made here and much faster.

HDF5 would use zlib, try to deflate noise, which takes longest, and hold a lock of the process meanwhile. Of a float the
last bytes are noise: whether a plane, the same byte of all values, is worth deflating is told for many chunks at once.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from itertools import chain
from math import prod
from operator import add
from typing import Any

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

__all__ = ["FAST", "packed_chunks"]

FAST = 1  # of ISA-L: a file takes two thirds of the time of its best level, and 1 to 2 % more bytes
_ISAL = 3  # ISA-L's best; higher levels are zlib's
_WINDOW, _TABLES = -13, 6  # of zlib: a window of 8 KB, as long as a plane of a chunk
_TOGETHER = 64  # chunks whose checksums are taken at once: every call makes a thread that trains wait in turn
_SAMPLE = 1024  # bytes of a plane that tell whether the rest is worth compressing
_SAVED = 0.1  # of its bytes, at least, or a plane stays as it is: noise takes long to unpack
_COINCIDENCE = 0.01  # as of 100 values that are equally frequent
_STORED_HEAD = struct.Struct("<BHH")
_STORED = 65535  # bytes of a stored block, at most


def packed_chunks(values: NDArray[Any], chunks: tuple[int, ...], level: int) -> Iterator[bytes]:
    """The chunks that cover an array, as the filters shuffle, gzip and fletcher32 could have made them, in C order.

    Args:
        values: Contiguous, axes ``(step, *dims)``.
        chunks: Shape of a chunk; zeros fill the last ones up.
        level: 0 to 3 of ISA-L, up to 9 of zlib; 0 only stores.

    Example:
        >>> (chunk,) = packed_chunks(np.zeros((256, 20), "<f4"), (256, 20), FAST)
        >>> zlib.decompress(chunk[:-4]) == bytes(4 * 256 * 20)
        True
    """
    shuffled = _shuffled(values, chunks)
    worth = _worth(shuffled, prod(chunks[1:])) if level else np.zeros(shuffled.shape[:2], np.bool_)
    for start in range(0, len(shuffled), _TOGETHER):
        some = slice(start, start + _TOGETHER)
        packed = [_packed(*each, level) for each in zip(shuffled[some], worth[some].tolist(), strict=True)]
        yield from map(add, packed, _fletcher32(packed))


def _shuffled(values: NDArray[Any], chunks: tuple[int, ...]) -> NDArray[np.uint8]:
    """``(chunk, plane, value)``: the first bytes of all values of a chunk, the second ones, ..."""
    outside = [(0, -length % chunk) for length, chunk in zip(values.shape, chunks, strict=True)]
    whole = np.pad(values, outside) if any(fill for _, fill in outside) else values
    pairs = [(length // chunk, chunk) for length, chunk in zip(whole.shape, chunks, strict=True)]
    axes = [*range(0, 2 * len(pairs), 2), *range(1, 2 * len(pairs), 2)]
    numbers = whole.view(f"u{values.itemsize}").reshape(list(chain.from_iterable(pairs))).transpose(axes)
    numbers = numbers.reshape(-1, prod(chunks))
    planes = np.empty((len(numbers), values.itemsize, numbers.shape[1]), np.uint8)
    for number in range(values.itemsize):  # half the time that a transposition of bytes takes
        np.copyto(planes[:, number], numbers >> 8 * number, casting="unsafe")
    return planes


def _worth(planes: NDArray[np.uint8], row: int) -> NDArray[np.bool_]:
    """Whether to compress each plane, ``(chunk, plane)``: whether its first bytes agree with later ones, a row a step.

    Their index of coincidence, https://en.wikipedia.org/wiki/Index_of_coincidence, is 1/256 for noise; repetitions,
    which deflate shortens, raise it, as do few or uneven values, for which its codes are shorter.
    """
    size = planes.shape[-1] // 2
    if size < _SAMPLE:
        return np.ones(planes.shape[:2], np.bool_)
    equal = [planes[..., :_SAMPLE] == planes[..., lag : lag + _SAMPLE] for lag in (1, min(row, size))]
    counts = sum(np.count_nonzero(one, axis=-1) for one in equal)
    worth: NDArray[np.bool_] = counts > _COINCIDENCE * len(equal) * _SAMPLE
    return worth


def _packed(planes: NDArray[np.uint8], worth: Sequence[bool], level: int) -> bytes:
    """What gzip makes of a chunk, in the format of RFC 1950."""
    pieces: list[Any] = [b"\x78\x5e"]
    for number, (plane, tried) in enumerate(zip(planes, worth, strict=True), 1):
        last = number == len(planes)
        pieces += (tried and _deflated(plane, level, last=last)) or _as_it_is(plane, last=last)
    pieces.append(isal_zlib.adler32(planes).to_bytes(4, "big"))
    return b"".join(pieces)


def _deflated(plane: NDArray[np.uint8], level: int, *, last: bool) -> list[Any] | None:
    """The plane in the format of RFC 1951, in pieces; None where that is hardly shorter than the plane."""
    slow, fast = (level, zlib.DEFLATED, _WINDOW, _TABLES), (level, zlib.DEFLATED, _WINDOW)
    packer: Any = zlib.compressobj(*slow) if level > _ISAL else isal_zlib.compressobj(*fast)
    pieces = [packer.compress(plane), packer.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)]
    return pieces if sum(map(len, pieces)) < (1 - _SAVED) * len(plane) else None


def _as_it_is(plane: NDArray[np.uint8], *, last: bool) -> list[Any]:
    """The plane as stored blocks of RFC 1951, section 3.2.4, in pieces."""
    pieces: list[Any] = []
    for start in range(0, len(plane), _STORED):
        part = plane[start : start + _STORED]
        end = last and start + len(part) == len(plane)
        pieces += [_STORED_HEAD.pack(end, len(part), _STORED - len(part)), part]
    return pieces


def _fletcher32(contents: Sequence[bytes]) -> list[bytes]:
    """The checksums of HDF5's filter of that name, over big-endian words (H5_checksum_fletcher32 in H5checksum.c).

    Here over little-endian ones, which are read faster: to swap a word's bytes is to multiply it by 256 modulo 65,535.
    """
    words = -(-max(map(len, contents)) // 2)
    table = np.frombuffer(b"".join([content.ljust(2 * words, b"\0") for content in contents]), "<u2").reshape(-1, words)
    low = table.sum(axis=1, dtype=np.int64)
    high = np.einsum("ij,j->i", table, np.arange(words, 0, -1.0)).astype(np.int64)  # exact, being below 2^53
    high -= low * [words - -(-len(content) // 2) for content in contents]  # what the zeros after its end have added
    # HDF5 folds carries, which leaves 65,535 where a remainder would be 0.
    checks = ((256 * high - 1) % 65535 + 1) << 16 | ((256 * low - 1) % 65535 + 1)
    return [check.tobytes() for check in np.where(low, checks, 0).astype("<u4")]
