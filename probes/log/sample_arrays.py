"""Arrays with an entry for each sample, as they are stored."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["as_column", "as_logits", "check_ids", "check_labels"]

_MOST_BYTES = 2**32  # of logits, as of any array that is read
_LONGEST_TEXT = 255
_LARGEST = 2**63 - 1


def as_logits(given: Any) -> NDArray[Any]:
    """Logits, ``(sample, class)``, as float32 or float64; a TypeError or ValueError if they are none, or not finite.

    Example:
        >>> as_logits([[0.5, 1.0]]).shape
        (1, 2)
    """
    array = np.asarray(given)
    if array.dtype.kind != "f":
        raise TypeError(f"expected `logits` of floating-point numbers, got dtype {array.dtype}")
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"expected `logits` with axes (sample, class), got shape {array.shape}")
    logits = array.astype("<f8" if array.dtype.itemsize >= 8 else "<f4")
    if logits.nbytes > _MOST_BYTES:
        raise ValueError(f"expected `logits` of at most {_MOST_BYTES} bytes, got {logits.nbytes}")
    finite = np.isfinite(logits).all(axis=1)
    if not finite.all():
        first = int(finite.argmin())
        raise ValueError(f"expected finite `logits`, got {logits[first].tolist()} for sample {first}")
    return logits


def as_column(name: str, given: Any, count: int, *, texts: bool = True) -> NDArray[Any] | None:
    """A value for each sample, as int64 or text, if any are given; a TypeError or ValueError where that cannot be.

    Example:
        >>> as_column("groups", ["a", "b"], 2)
        array(['a', 'b'], dtype='<U1')
    """
    if given is None:
        return None
    column = np.asarray(given)
    kind = "U" if column.dtype.kind == "O" and all(isinstance(one, str) for one in column.flat) else column.dtype.kind
    if kind not in ("iuU" if texts else "iu"):
        raise TypeError(f"expected `{name}` of integers{' or strings' if texts else ''}, got dtype {column.dtype}")
    if column.shape != (count,):
        raise ValueError(f"expected `{name}` for {count} samples, got shape {column.shape}")
    if kind == "U" and (longest := max(map(len, column))) > _LONGEST_TEXT:
        raise ValueError(f"expected `{name}` of at most {_LONGEST_TEXT} characters, got {longest}")
    if kind == "u" and column.max() > _LARGEST:
        raise ValueError(f"expected `{name}` of at most {_LARGEST}, got {column.max()}")
    return column.astype(np.str_ if kind == "U" else np.int64)


def check_labels(labels: NDArray[Any], classes: int) -> None:
    """Refuse labels that name no class: a ValueError.

    Example:
        >>> check_labels(np.array([0, 2]), 2)
        Traceback (most recent call last):
        ValueError: expected `labels` from 0 to 1, got 2 for sample 1
    """
    outside = np.flatnonzero((labels < 0) | (labels >= classes))
    if outside.size:
        first = outside[0]
        raise ValueError(f"expected `labels` from 0 to {classes - 1}, got {labels[first]} for sample {first}")


def check_ids(ids: NDArray[Any]) -> None:
    """Refuse ids of which two are the same: a ValueError.

    Example:
        >>> check_ids(np.array([7, 8, 7]))
        Traceback (most recent call last):
        ValueError: expected `ids` without repeats, got 7 for samples 0 and 2
    """
    _, first, counts = np.unique(ids, return_index=True, return_counts=True)
    if (counts > 1).any():
        at = first[counts > 1].min()
        places = np.flatnonzero(ids == ids[at])
        raise ValueError(
            f"expected `ids` without repeats, got {ids[at].item()!r} for samples {places[0]} and {places[1]}"
        )
