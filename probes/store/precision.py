"""Values with fewer bits of mantissa: they take less room on the disk, since the bits that are left out are zeros."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from probes.log.layout import DTYPES

__all__ = ["rounded"]


def rounded(values: NDArray[Any], bits: int) -> NDArray[Any]:
    """The values with so many bits of mantissa, rounded to nearest, ties to even; in all others zeros.

    Each differs from what it was by at most ``2 ** -(bits + 1)`` of it; one so small that it is subnormal, by as much
    as the smallest that is not may. What is not finite, or would not be, stays as it is; so does all that is rounded
    already.

    Args:
        values: float32 or float64, little-endian.
        bits: As `Series.bits` says, 1 to 23 or 52.

    Example:
        >>> rounded(np.array([1.1, -3.3]), 3)
        array([ 1.125, -3.25 ])
    """
    left_out = DTYPES[values.dtype.str] - bits
    if left_out == 0:
        return values.copy()

    whole = values.view(f"<u{values.itemsize}")
    kept = whole >> left_out
    kept &= 1  # a tie goes to the even one
    kept += (1 << left_out - 1) - 1
    kept += whole
    kept >>= left_out
    kept <<= left_out
    result = kept.view(values.dtype)
    return np.where(np.isfinite(values) & np.isfinite(result), result, values)
