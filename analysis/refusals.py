"""What is wrong with runs that cannot be analysed together, in words."""

from collections.abc import Iterable, Sequence
from contextlib import suppress

from probes.errors import LogError, NotRecordedError
from probes.log.protocol import LogLike

__all__ = ["no_tap", "same_labels", "unreadable"]

_SHOWN = 5  # series that a message names


def same_labels(labels: Sequence[str]) -> str:
    """Return what is wrong with runs of the same labels; "" where each has its own."""
    twice = sorted({label for label in labels if labels.count(label) > 1})

    return (
        f"expected runs of different names, got `{'`, `'.join(twice)}` twice; open the folder above both by "
        "`open_study`, which tells them apart by their paths, or each study by itself"
        if twice
        else ""
    )


def no_tap(logs: Sequence[LogLike]) -> str:
    """Return what is wrong with runs none of which has recorded a tap."""
    recorded = list(dict.fromkeys(name for log in logs for name in log.series))
    shown = ", ".join(f"`{name}`" for name in recorded[:_SHOWN]) + (", ..." if len(recorded) > _SHOWN else "")

    return (
        f"expected a tap, that is a parameter recorded with directions, got {shown or 'no series'}; record one: "
        "`Recorder(path, {parameter: probes.Directions(...)})`, or `probes record --tap NAME=FILE`"
    )


def unreadable(logs: Iterable[LogLike]) -> dict[str, str]:
    """Return what is wrong with logs of which a file cannot be read, by label; of the others they are now read.

    Of runs that recorded the same in the same shape it is enough that the directions of one can be read.
    """
    found = {}
    known: set[tuple[str, str]] = set()
    for log in logs:
        try:
            _read(log, known)
        except LogError as error:
            found[log.label] = str(error)
        except OSError as error:
            found[log.label] = f"`{log.path}` cannot be read: {error.strerror or error}"

    return found


def _read(log: LogLike, known: set[tuple[str, str]]) -> None:
    """Read what findings need before they look at a series; note whose directions were read."""
    len(log.steps)
    len(log.output_sets)
    key = log.manifest.directions, str(log.series)
    if log.manifest.directions and key not in known:
        with suppress(NotRecordedError):
            log.directions()
        known.add(key)
