"""Which steps are recorded: a schedule answers one step with yes or no, and is written down as the text that makes it.

Step t is the state after t optimizer updates; step 0 is the initialisation. The recorder records step 0 whatever its
schedule says, because the winners depend on initialisation. Schedules are joined with ``|``::

    every(100) | first(1000) | logarithmic(20) | at(5, 50) | window(2000, 2100)
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from types import MappingProxyType

__all__ = ["Schedule", "at", "every", "first", "logarithmic", "parse", "window"]


@dataclass(frozen=True)
class Schedule:
    """A union of rules, each a name with whole numbers, that says of a step whether it is recorded.

    Made by `every`, `first`, `logarithmic`, `at` and `window` and joined with ``|``; equal when written the same.

    Example:
        >>> schedule = every(100) | first(2)
        >>> [step for step in range(301) if schedule(step)]
        [0, 1, 2, 100, 200, 300]
        >>> str(schedule)
        'every(100) | first(2)'
    """

    rules: tuple[tuple[str, tuple[int, ...]], ...]

    def __call__(self, step: int) -> bool:
        """Whether ``step`` is recorded."""
        for name, numbers in self.rules:  # noqa: SIM110 - asked after every update, and `any` takes twice the time
            if _RULES[name](step, *numbers):
                return True
        return False

    @cached_property
    def always(self) -> bool:
        """Whether every step is recorded."""
        return ("every", (1,)) in self.rules

    def __or__(self, other: Schedule) -> Schedule:
        """The schedule that records what either of the two records."""
        return Schedule(self.rules + other.rules)

    def __str__(self) -> str:
        return " | ".join(f"{name}({', '.join(map(str, numbers))})" for name, numbers in self.rules)


def every(n: int = 1) -> Schedule:
    """Steps 0, n, 2n, ...

    Raises:
        ValueError: ``n`` is no whole number >= 1.

    Example:
        >>> [step for step in range(7) if every(3)(step)]
        [0, 3, 6]
    """
    return Schedule((("every", (_whole("n", n, least=1),)),))


def first(n: int) -> Schedule:
    """Steps 0 to n: the initialisation and the first n updates.

    Raises:
        ValueError: ``n`` is no whole number >= 0.

    Example:
        >>> [step for step in range(7) if first(2)(step)]
        [0, 1, 2]
    """
    return Schedule((("first", (_whole("n", n),)),))


def logarithmic(per_decade: int = 10) -> Schedule:
    """Step 0 and the steps nearest to 10^(i / per_decade), i = 0, 1, 2, ...

    Raises:
        ValueError: ``per_decade`` is no whole number >= 1.

    Example:
        >>> [step for step in range(101) if logarithmic(4)(step)]
        [0, 1, 2, 3, 6, 10, 18, 32, 56, 100]
    """
    return Schedule((("logarithmic", (_whole("per_decade", per_decade, least=1),)),))


def at(*steps: int) -> Schedule:
    """The steps that are named.

    Raises:
        ValueError: a step is no whole number >= 0.

    Example:
        >>> [step for step in range(100) if at(5, 50)(step)]
        [5, 50]
    """
    return Schedule((("at", tuple(_whole("steps", step) for step in steps)),))


def window(start: int, stop: int, every: int = 1) -> Schedule:
    """Steps start, start + every, ... that lie before stop, as in `range`.

    Raises:
        ValueError: ``start`` or ``stop`` is no whole number >= 0, or ``every`` none >= 1.

    Example:
        >>> [step for step in range(100) if window(10, 20, 5)(step)]
        [10, 15]
    """
    return Schedule((("window", (_whole("start", start), _whole("stop", stop), _whole("every", every, least=1))),))


def parse(text: str) -> Schedule:
    """The schedule whose text form is ``text``, as it stands in a run's manifest.

    Raises:
        ValueError: ``text`` is no schedule.

    Example:
        >>> parse("every(100) | first(2)") == every(100) | first(2)
        True
    """
    calls = [re.fullmatch(r"\s*(\w+)\(([\d\s,]*)\)\s*", part) for part in text.split("|")]

    try:
        rules = [_MAKERS[call[1]](*map(int, re.findall(r"\d+", call[2]))).rules for call in calls if call]
    except (KeyError, TypeError) as error:
        raise ValueError(_expected(text)) from error
    if not all(calls):
        raise ValueError(_expected(text))

    return Schedule(tuple(rule for part in rules for rule in part))


def _expected(text: str) -> str:
    return f"expected a schedule such as `every(100) | first(1000)` made of {', '.join(_MAKERS)}, got `{text}`"


def _whole(name: str, number: int, *, least: int = 0) -> int:
    if not isinstance(number, Integral) or number < least:
        raise ValueError(f"expected `{name}` as a whole number >= {least}, got {number!r}")
    return int(number)


def _near_power(step: int, per_decade: int) -> bool:
    if step == 0:
        return True
    exponent = math.log10(step) * per_decade

    # A power that rounds to `step` is the closest one below it or above it, so two candidates are enough.
    return any(round(10 ** (whole / per_decade)) == step for whole in (math.floor(exponent), math.ceil(exponent)))


_RULES: Mapping[str, Callable[..., bool]] = MappingProxyType({
    "every": lambda step, n: step % n == 0,
    "first": lambda step, n: step <= n,
    "logarithmic": _near_power,
    "at": lambda step, *steps: step in steps,
    "window": lambda step, start, stop, every: start <= step < stop and (step - start) % every == 0,
})

_MAKERS: Mapping[str, Callable[..., Schedule]] = MappingProxyType({
    "every": every,
    "first": first,
    "logarithmic": logarithmic,
    "at": at,
    "window": window,
})
