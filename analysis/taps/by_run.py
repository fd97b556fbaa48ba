"""The taps of every run of a study; damage of one run's directions is its own."""

from collections.abc import Iterable, MutableMapping

from probes.analysis.taps.tap import Tap, taps_of
from probes.errors import LogError
from probes.logs.protocol import LogLike

__all__ = ["taps_by_run"]


def taps_by_run(logs: Iterable[LogLike], unreadable: MutableMapping[str, str]) -> dict[str, dict[str, Tap]]:
    """Return the taps of each run by its label; runs that recorded the same in the same shape share one.

    Args:
        logs: The runs.
        unreadable: Where to note what is wrong with a run whose directions are damaged; it then has no tap.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> list(taps_by_run(example_study()[:1], {})["single-00"])
        ['correlations']
    """
    known: dict[object, dict[str, Tap]] = {}
    found = {}
    for log in logs:
        key = (log.manifest.directions, str(log.series)) if log.manifest.directions else log.label
        if key not in known:
            try:
                known[key] = taps_of(log)
            except LogError as error:
                unreadable[log.label] = str(error)
        found[log.label] = known.get(key, {})

    return found
