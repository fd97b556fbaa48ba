"""What a quantity may return: at first a tensor that its declared dtype holds, later one of the same shape and kind."""

from typing import Any

import torch

from probes.quantities.contract.quantity import Quantity

__all__ = ["DTYPES", "alike", "check_values", "other_dtype", "other_shape"]

DTYPES = {"<f4": torch.float32, "<f8": torch.float64, "<i8": torch.int64}


def check_values(quantity: Quantity, value: Any) -> None:
    """Refuse what a quantity returned first, if it is no tensor or of a kind of number that is not its own.

    Raises:
        TypeError: it is.

    Example:
        >>> check_values(Quantity("count", (), lambda state: torch.tensor(0), dtype="<i8"), torch.tensor(0))
    """
    if not isinstance(value, torch.Tensor):
        raise TypeError(
            f"expected a tensor of `{quantity.name}`, got {type(value).__name__}; `torch.as_tensor` makes one"
        )
    if not torch.can_cast(value.dtype, DTYPES[quantity.dtype]):
        raise TypeError(
            f'expected values of `{quantity.name}` that its dtype "{quantity.dtype}" holds, got {value.dtype}; convert '
            "them, or declare another"
        )


def alike(dtype: torch.dtype, other: torch.dtype) -> bool:
    """Return whether two dtypes are of one kind: a parameter that becomes float64 is recorded as it was.

    Example:
        >>> alike(torch.float32, torch.float64), alike(torch.float32, torch.int64)
        (True, False)
    """
    return dtype is other or (dtype.is_floating_point and other.is_floating_point)


def other_dtype(quantity: Quantity, dtype: torch.dtype, value: Any) -> str:
    """Return what is wrong with a later value of another dtype, or that is no tensor.

    Example:
        >>> other_dtype(Quantity("count", (), lambda state: torch.tensor(0)), torch.int64, 3)
        'expected `count` of torch.int64 as at its first step, got int'
    """
    got = value.dtype if isinstance(value, torch.Tensor) else type(value).__name__
    return f"expected `{quantity.name}` of {dtype} as at its first step, got {got}"


def other_shape(quantity: Quantity, shape: tuple[int, ...], value: torch.Tensor) -> str:
    """Return what is wrong with a later value of another shape.

    Example:
        >>> other_shape(Quantity("count", (), lambda state: torch.tensor(0)), (), torch.ones(2))
        'expected `count` of shape () as at its first step, got (2,)'
    """
    return f"expected `{quantity.name}` of shape {shape} as at its first step, got {tuple(value.shape)}"
