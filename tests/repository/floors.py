"""The floors of the building: which module may import what. An import goes down or sideways, never up."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from sys import stdlib_module_names

import probes
from tests.repository.sources import Import


@dataclass(frozen=True)
class Area:
    """Where a module stands: its floor, which of our packages and which others' it may import.

    `ours` empty: every module below or beside. `late`: imported only inside the function that needs it.
    """

    floor: int
    ours: tuple[str, ...] = ()
    others: frozenset[str] = frozenset()
    late: frozenset[str] = frozenset()


def _area(floor: int, *others: str, ours: tuple[str, ...] = (), late: tuple[str, ...] = ()) -> Area:
    return Area(floor, ours, frozenset(others), frozenset(late))


_LEAF = ("probes.errors",)
ROOF = 5
_ROOF = _area(ROOF, "click", "numpy", "pandas", "rich", "safetensors", "torch", late=("dask", "distributed", "sklearn"))
_HDF5_WRITING = _area(
    2,
    "h5py",
    "isal",
    "numpy",
    ours=(
        "probes.log.writing.compression",
        "probes.log.writing.segment",
        "probes.log.writing.merged",
        "probes.log",
        "probes.files",
        "probes.errors",
        "probes.schedules",
    ),
    late=("hdf5plugin",),
)

_DRAWN = ("matplotlib", "numpy", "pandas", "scipy", "seaborn")
# What every finding stands on.
_CORE = (
    "study",
    "sample_sets",
    "margins",
    "factors",
    "class_factors",
    "preferences",
    "occluded",
    "rule",
    "taps",
    "intervals",
    "shares",
    "panel",
    "plots",
    "replay",
)


def _analysis(*others: str, ours: tuple[str, ...] = (), late: tuple[str, ...] = ()) -> Area:
    """A place in the analysis: study < findings < theory < reports, and above all of it no torch."""
    rooms = tuple(f"probes.analysis.{room}" for room in ours)

    return _area(4, *others, ours=(*rooms, "probes.log", "probes.files", "probes.errors", "probes"), late=late)


# The first pattern that matches decides; `probes.log.writing.*` stands for the package itself, too.
AREAS: Mapping[str, Area] = {
    "probes": _area(0),
    "probes.errors": _area(0),
    "probes.roles": _area(0),
    "probes.schedules": _area(0, ours=_LEAF),
    "probes.files.*": _area(0, ours=("probes.files", "probes.errors")),
    "probes.log.layout": _area(0, "numpy", ours=("probes.files", "probes.errors", "probes.schedules")),
    "probes.learners.streams": _area(0, "numpy", "torch"),
    "probes.learners.features": _area(0, "numpy", "torch", ours=("probes.learners.streams", *_LEAF)),
    "probes.learners.activations": _area(0, "numpy", "torch", ours=_LEAF),
    "probes.learners.images.*": _area(
        1, "numpy", "torch", ours=("probes.learners", "probes.errors"), late=("PIL", "sklearn")
    ),
    "probes.learners.*": _area(1, "numpy", "torch", ours=("probes.learners",)),
    "probes.log.exports.*": _area(
        2,
        "h5py",
        "numpy",
        ours=("probes.log.exports", "probes.log.writing.segment", "probes.log", "probes.files", "probes.errors"),
        late=("pyarrow",),
    ),
    "probes.log.verification.*": _area(
        2, "h5py", "numpy", ours=("probes.log.verification", "probes.log", "probes.files", "probes.errors")
    ),
    "probes.log.writing.compression": _HDF5_WRITING,
    "probes.log.writing.segment": _HDF5_WRITING,
    "probes.log.writing.merged": _HDF5_WRITING,
    "probes.log.writing.*": _area(
        2,
        "isal",
        "numpy",
        ours=(
            "probes.log.writing",
            "probes.log",
            "probes.files",
            *_LEAF,
            "probes.schedules",
            "probes",
        ),
    ),
    "probes.log.*": _area(
        1,
        "h5py",
        "isal",
        "numpy",
        ours=("probes.log", "probes.files", "probes.errors", "probes.schedules"),
        late=("hdf5plugin", "pandas", "xarray"),
    ),
    "probes.quantities.*": _area(2, "numpy", "torch", late=("scipy",)),
    "probes.measuring.*": _area(2, "numpy", "torch"),
    "probes.models.*": _area(2, "torch", ours=("probes.models", *_LEAF)),
    "probes.directions.*": _area(2, "numpy", "safetensors", "torch"),
    "probes.estimators.*": _area(2, "numpy", "safetensors", "scipy", "torch", late=("sklearn",)),
    "probes.recording.*": _area(3, "numpy", "torch"),
    "probes.integrations.*": _area(3, "torch", late=("lightning", "transformers")),
    "probes.analysis.intervals": _analysis("numpy", "scipy"),
    "probes.analysis.shares": _analysis("numpy", "scipy", ours=("intervals",)),
    "probes.analysis.findings.contents": _analysis(),
    "probes.analysis.taps.*": _analysis("numpy", "pandas", ours=("taps",)),
    "probes.analysis.rule": _analysis("pandas", ours=("taps",)),
    "probes.analysis.parents": _analysis(),
    "probes.analysis.refusals": _analysis(ours=("taps",)),
    "probes.analysis.study": _analysis("pandas", ours=("taps", "rule", "parents", "refusals")),
    "probes.analysis.log_probabilities": _analysis("numpy"),
    "probes.analysis.margins": _analysis("numpy"),
    "probes.analysis.factors.*": _analysis("numpy", "pandas", "scipy", ours=("factors", "margins", "intervals")),
    "probes.analysis.class_factors": _analysis("numpy", ours=("study", "sample_sets", "factors", "margins")),
    "probes.analysis.occluded": _analysis("numpy", ours=("study", "sample_sets", "margins")),
    "probes.analysis.preferences": _analysis("numpy", ours=("sample_sets", "factors", "margins")),
    "probes.analysis.sample_sets": _analysis("numpy", "pandas", ours=("study", "log_probabilities")),
    "probes.analysis.replay": _analysis("numpy", "pandas", ours=("taps",)),
    "probes.analysis.plots.*": _analysis("matplotlib", "numpy", "pandas", "seaborn", ours=("plots", "replay")),
    "probes.analysis.panel": _analysis("matplotlib", "pandas", ours=("plots", "replay")),
    "probes.analysis.findings.*": _analysis(*_DRAWN, ours=("findings", *_CORE)),
    "probes.analysis.theory.*": _analysis(*_DRAWN, ours=("theory", "reports", "sweeps", "findings", *_CORE)),
    "probes.analysis.*": _analysis(
        *_DRAWN, "jinja2", ours=("reports", "sweeps", "theory", "findings", *_CORE), late=("pyarrow",)
    ),
    "probes.checkpoints.*": _ROOF,
    "probes.cli.*": _ROOF,
    "probes.launch.*": _ROOF,
    "probes.studies.*": _ROOF,
    "probes.__main__": _ROOF,
    "scripts.compatibility": _area(ROOF, "pytest"),
    "scripts.*": _area(ROOF, "click", "h5py", "numpy", "torch", late=("wandb",)),
}


def area_of(module: str) -> Area:
    """The area of a module.

    Raises:
        LookupError: No pattern of `AREAS` names the module.
    """
    for pattern, area in AREAS.items():
        if fnmatchcase(module, pattern) or f"{module}.*" == pattern:
            return area
    raise LookupError(f"{module} stands on no floor yet: add it to AREAS in tests/repository/floors.py")


def resolved(target: str, known: set[str]) -> str:
    """The module of ours that an import loads, or the imported name where it is another's.

    A lazy name of `probes` counts as the module it comes from.
    """
    package, _, name = target.rpartition(".")
    if package == "probes" and name in probes._MODULE_OF:
        target = probes._MODULE_OF[name]
    while target not in known and target.startswith(("probes.", "scripts.")):
        target = target.rpartition(".")[0]
    return target


def faults(module: str, found: list[Import], known: set[str]) -> Iterator[str]:
    """One line for every import of `module` that its area does not allow."""
    area = area_of(module)
    for each in found:
        target = resolved(each.target, known)
        reason = _our_fault(module, area, target) if target in known else _others_fault(area, each)
        if target in known and each.late:
            reason = reason or "waits inside a function; one that cannot stand at the top hides a cycle"
        if reason:
            yield f"{module}, line {each.line}: import of {each.target} {reason}"


def _our_fault(module: str, area: Area, target: str) -> str:
    floor = area_of(target).floor
    if floor > area.floor:
        return f"goes up, from floor {area.floor} to floor {floor}"
    if area.ours and not any(_covers(name, target) for name in area.ours):
        return f"leaves {', '.join(area.ours)}"
    if target.startswith("probes.learners") and not module.startswith("probes.learners") and area.floor < ROOF:
        return "is for the roof alone: nothing in the recorder knows the built-in learner"
    return ""


def _covers(name: str, target: str) -> bool:
    """Whether leave to import `name` is leave for `target`: a package stands for all in it but what lies floors above.

    `probes` stands for itself only.
    """
    if target == name:
        return True
    inside = name != "probes" and target.startswith(f"{name}.")
    return inside and area_of(target).floor <= area_of(name).floor


def _others_fault(area: Area, each: Import) -> str:
    package = each.target.split(".")[0]
    if each.target.startswith("."):
        return "is relative; write the whole name"
    if package in area.late:
        return "" if each.late else f"must wait inside the function that needs {package}"
    if package not in area.others and package not in stdlib_module_names:
        return f"is not for this area; it may import {', '.join(sorted(area.others)) or 'the standard library'}"
    return "waits inside a function without need" if each.late else ""


def cycle(graph: Mapping[str, set[str]]) -> list[str]:
    """The modules of one circular import in order, its first again at the end; empty where there is none."""
    done: set[str] = set()

    def visit(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return []
        loops = (visit(target, [*path, module]) for target in sorted(graph[module]))
        loop = next(filter(None, loops), [])
        done.add(module)
        return loop

    return next(filter(None, (visit(module, []) for module in graph)), [])
