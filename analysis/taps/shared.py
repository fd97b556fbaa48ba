"""The taps of several runs: what they have recorded alike, and where they differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from probes.analysis.taps.tap import Tap, taps_of
from probes.log.protocol import LogLike

__all__ = ["SharedTaps"]


@dataclass(frozen=True, eq=False)
class SharedTaps:
    """The taps of some runs, by the name of their series.

    Attributes:
        logs: The runs, each of another label.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> list(SharedTaps(example_study()).taps)
        ['correlations']
    """

    logs: Sequence[LogLike]

    @cached_property
    def by_run(self) -> Mapping[str, Mapping[str, Tap]]:
        """The taps of every run by its label; runs that recorded the same in the same shape share one."""
        known: dict[object, dict[str, Tap]] = {}
        found = {}
        for log in self.logs:
            key = (log.manifest.directions, str(log.series)) if log.manifest.directions else log.label
            if key not in known:
                known[key] = taps_of(log)
            found[log.label] = known[key]

        return found

    @cached_property
    def taps(self) -> Mapping[str, Tap]:
        """Each tap as the first run has recorded it, in the order in which runs recorded them, but for conflicts."""
        return {name: tap for name, (_, tap) in self._first.items() if name not in self.conflicts}

    @cached_property
    def conflicts(self) -> Mapping[str, str]:
        """What is wrong with series under whose name runs have recorded different features."""
        found: dict[str, str] = {}
        for label, taps in self.by_run.items():
            for name, tap in taps.items():
                first, known = self._first[name]
                if name not in found and not tap.same_features(known):
                    found[name] = _different(name, (first, known), (label, tap))

        return found

    @cached_property
    def _first(self) -> Mapping[str, tuple[str, Tap]]:
        found: dict[str, tuple[str, Tap]] = {}
        for label, taps in self.by_run.items():
            for name, tap in taps.items():
                found.setdefault(name, (label, tap))

        return found


def _different(name: str, *recorded: tuple[str, Tap]) -> str:
    described = [
        f"({', '.join(f'{axis}={length}' for axis, length in zip(tap.axes, tap.shape, strict=True))}) of hash "
        f"{tap.directions.sha256[:8] if tap.directions else 'unknown'} in run `{label}`"
        for label, tap in recorded
    ]

    return (
        f"expected the same directions for `{name}` in all runs, got {' and '.join(described)}; analyse the runs of "
        "each by themselves"
    )
