"""What the class axis of estimated directions is called, and that no class is missing."""

from collections.abc import Sequence

from torch import Tensor

__all__ = ["checked_classes"]


def checked_classes(count: Tensor, class_names: Sequence[str] | None) -> tuple[str, ...]:
    """The name of every class: as given, else its number.

    Args:
        count: Rows of each class, ``(class,)``.
        class_names: Names of the classes, in order.

    Raises:
        ValueError: there are fewer than two classes, one of them has no rows, or there is not one name for each.

    Example:
        >>> import torch
        >>> checked_classes(torch.tensor([3, 2]), None)
        ('0', '1')
    """
    empty = [number for number, rows in enumerate(count.tolist()) if rows == 0]
    if len(count) < 2:
        raise ValueError(f"expected samples of at least two classes, got labels up to {len(count) - 1}")
    if empty:
        raise ValueError(f"expected samples of every class from 0 to {len(count) - 1}, got none of class {empty[0]}")
    if class_names is not None and len(class_names) != len(count):
        raise ValueError(f"expected {len(count)} `class_names`, got {len(class_names)}")
    return tuple(map(str, range(len(count)))) if class_names is None else tuple(class_names)
