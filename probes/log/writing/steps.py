"""Which steps a log takes: whole numbers that a file can hold, those of rows rising from 0, the initialisation."""

from collections.abc import Sequence
from operator import index
from pathlib import Path

__all__ = ["any_step", "next_step", "next_steps"]

_LARGEST = 2**63 - 1


def any_step(step: int) -> int:
    """A step at which a value may be logged.

    Raises:
        ValueError: it is less than 0, or more than 64 bits hold.
        TypeError: it is no whole number.

    Example:
        >>> any_step(10**30)
        Traceback (most recent call last):
        ValueError: expected a step from 0 to 9223372036854775807, got 1000000000000000000000000000000
    """
    step = index(step)
    if not 0 <= step <= _LARGEST:
        raise ValueError(f"expected a step from 0 to {_LARGEST}, got {step}")
    return step


def next_step(step: int, last: int, path: Path) -> int:
    """The step of a row after that of the last one, -1 where there is none.

    Raises:
        ValueError: it does not come after that, or is more than 64 bits hold.
        TypeError: it is no whole number.

    Example:
        >>> next_step(5, 4, Path("seed-0"))
        5
    """
    step = index(step)
    if step <= last or (last < 0 and step):
        wanted = f"a step after {last}" if last >= 0 else "step 0, the initialisation, first"
        raise ValueError(f"expected {wanted} in `{path}`, got step {step}")
    return any_step(step)


def next_steps(steps: Sequence[int], last: int, path: Path) -> list[int]:
    """Several of them; errors as `next_step`'s.

    Example:
        >>> next_steps([5, 7], 4, Path("seed-0"))
        [5, 7]
    """
    numbers = list(map(index, steps))
    if numbers != list(range(last + 1, last + 1 + len(numbers))):  # each the next one is usual, and soon seen
        for step in numbers:
            last = next_step(step, last, path)
    return numbers
