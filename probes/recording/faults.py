"""Faults of the recorder's own work: told once, kept as a reason, and no end to a training."""

import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

__all__ = ["Faults", "OnError", "one_line"]

OnError = str | Callable[[str], object]


class Faults:
    """What went wrong in one recorder, and what that does: "warn" or "raise", or a function that says it.

    Attributes:
        seconds: What all that was attempted has taken.

    Raises:
        ValueError: ``on_error`` is none of these.

    Example:
        >>> told = []
        >>> faults = Faults(Path("runs/seed-0"), told.append)
        >>> faults.attempt(3, "a step", list().pop)
        >>> faults.attempt(4, "a step", list().pop)
        >>> len(told), faults.reason
        (1, 'a step could not be recorded, first at step 3: IndexError: pop from empty list')
    """

    seconds: float = 0.0

    def __init__(self, path: Path, on_error: OnError) -> None:
        if not callable(on_error) and on_error not in {"warn", "raise"}:
            raise ValueError(f'expected `on_error` "warn" or "raise", got {on_error!r}')
        self._path, self._on_error = path, on_error
        self._first: dict[str, str] = {}  # what went wrong -> how it did the first time

    @property
    def reason(self) -> str:
        """All that went wrong, in one line; empty if nothing did."""
        return "; ".join(self._first.values())

    def attempt(
        self,
        step: int,
        what: str,
        work: Callable[..., object],
        *arguments: object,
        refused: tuple[type[Exception], ...] = (),
    ) -> None:
        """Do some work, a fault of which must not end the training, unless it ``refused`` what the caller gave."""
        began = time.perf_counter()
        try:
            work(*arguments)
        except Exception as error:
            if self._on_error == "raise" or isinstance(error, refused):
                raise
            fault = f"{what} could not be recorded, first at step {step}: {one_line(error)}"
            if self._first.setdefault(what, fault) is fault:
                self.warn(f'{fault}; training goes on (`on_error="raise"` shows where)')
        finally:
            self.seconds += time.perf_counter() - began

    def note(self, what: str, text: str) -> None:
        """Say that something is not as it should be, and have it among the reasons; the first time of its kind."""
        if what not in self._first:
            self._first[what] = text
            self.warn(text)

    def ended(self, name: str, step: int, error: Exception) -> None:
        """Note that a series ends before a step, or raise why."""
        if self._on_error == "raise":
            raise error
        self.note(f"the series {name}", f"`{name}` is not recorded from step {step} on: {one_line(error)}")

    def of_series(self, name: str) -> str:
        """Why a series has ended, if it has."""
        return self._first.get(f"the series {name}", "")

    def known(self, ended: Mapping[str, str]) -> None:
        """Have series that ended, and why, among the reasons, as they were told before."""
        for name, text in ended.items():
            self._first.setdefault(f"the series {name}", text)

    def warn(self, text: str) -> None:
        """Say something about the run in one line."""
        if callable(self._on_error):
            self._on_error(f"{self._path.name}: {text}")
            return
        warnings.warn(f"{self._path}: {text}", RuntimeWarning, stacklevel=4)


def one_line(error: BaseException) -> str:
    """An error as one line.

    Example:
        >>> one_line(ValueError("too long"))
        'ValueError: too long'
    """
    return f"{type(error).__name__}: {error}".splitlines()[0]
