"""What a report shows of a study of the theory: its figures in order, and what its recipe states."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from types import ModuleType

from probes.analysis.panel import Panel
from probes.analysis.study import Study
from probes.analysis.theory.findings.claims import claims
from probes.analysis.theory.recipe import correlation_series, exponent, single_view_share
from probes.analysis.theory.rooms import rooms_of
from probes.errors import LogError
from probes.log.protocol import LogLike

__all__ = ["facts", "panels"]


def panels(study: Study) -> tuple[list[Panel], dict[str, str]]:
    """Return the panels that can be made, in order, and why others cannot, by finding or by claim.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> [panel.name for panel in panels(Study(example_study()[-5:]))[0]][:3]
        ['winners', 'coverage', 'claims']
    """
    made: list[Panel] = []
    absent: dict[str, str] = {}
    for name, build in _builders(rooms_of(study)):
        try:
            panel = build(study)
        except LogError as error:
            absent[name] = str(error)
            continue
        made += [panel] if panel else []
    table = claims(study)

    return made, (dict(table.attrs["left_out"]) if len(table) else {}) | absent


def facts(study: Study) -> dict[str, str]:
    """Return the constants of the theory that the runs state, by name; what none states is left out.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> facts(Study(example_study()))
        {'classes k': '6', 'neurons a class m': '6, 18', 'μ': '0.04', 'q': '3'}
    """
    stated = {
        "classes k": _stated(study.usable, lambda log: correlation_series(log).shape[0]),
        "neurons a class m": _stated(study.usable, lambda log: correlation_series(log).shape[1]),
        "μ": _stated(study.usable, single_view_share),
        "q": _stated(study.usable, exponent),
    }

    return {name: text for name, text in stated.items() if text}


def _builders(rooms: Sequence[ModuleType]) -> Iterator[tuple[str, Callable[[Study], Panel | None]]]:
    """Yield what makes each panel, under the finding's name; a finding has one panel, several, or none."""
    for room in rooms:
        name = room.__name__.rpartition(".")[2].replace("_", " ")
        own = [room.panel] if hasattr(room, "panel") else []
        for build in getattr(room, "PANELS", own):
            yield name, build


def _stated(logs: Iterable[LogLike], read: Callable[[LogLike], float | None]) -> str:
    """Return the different values that the logs give, of those that give one."""
    found = set()
    for log in logs:
        with suppress(LogError):
            found.add(read(log))

    return ", ".join(f"{value:g}" for value in sorted(value for value in found if value is not None))
