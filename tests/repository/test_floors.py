import pytest

from tests.repository.floors import area_of, cycle, faults, resolved
from tests.repository.sources import imports, modules

KNOWN = {"probes", "probes.errors", "probes.files.durable", "probes.log", "probes.log.layout", "probes.log.reader"}
KNOWN |= {"probes.log.writing", "probes.log.writing.writer", "probes.recording", "probes.recording.recorder"}
KNOWN |= {"probes.learners.training", "probes.analysis.theory.findings.claims", "probes.cli.verbs.record"}
KNOWN |= {"probes.quantities.taps.tap"}


@pytest.mark.parametrize("module", modules())
def test_a_module_imports_only_what_its_floor_allows(module):
    found = list(imports(modules()[module].read_text()))

    assert list(faults(module, found, set(modules()))) == []


def test_no_import_is_circular():
    known = set(modules())
    graph = {
        module: {resolved(each.target, known) for each in imports(path.read_text())} & known
        for module, path in modules().items()
    }

    assert cycle(graph) == []


@pytest.mark.parametrize(
    ("module", "line", "fault"),
    [
        (
            "probes.log.writing.writer",
            "from probes.recording.recorder import Recorder",
            "goes up, from floor 2 to floor 3",
        ),
        ("probes.log.writing.writer", "from probes import Recorder", "goes up, from floor 2 to floor 3"),
        ("probes.log.writing.writer", "import torch", "is not for this area; it may import isal, numpy"),
        ("probes.log.reader", "import pandas", "must wait inside the function that needs pandas"),
        ("probes.log.writing.writer", "def f():\n import json", "waits inside a function without need"),
        ("probes.log.writing.writer", "from .layout import Series", "is relative; write the whole name"),
        ("probes.log.layout", "from probes.log import reader", "goes up, from floor 0 to floor 1"),
        ("probes.log.reader", "from probes.log.writing import RunWriter", "goes up, from floor 1 to floor 2"),
        (
            "probes.files.durable",
            "from probes.log.layout import FORMAT_VERSION",
            "leaves probes.files, probes.errors",
        ),
        (
            "probes.analysis.theory.findings.claims",
            "from probes.log.writing import RunWriter",
            "leaves probes.analysis.theory, probes.analysis.reports, probes.analysis.sweeps, probes.analysis.findings, "
            "probes.analysis.study, probes.analysis.sample_sets, probes.analysis.margins, probes.analysis.factors, "
            "probes.analysis.class_factors, probes.analysis.preferences, probes.analysis.occluded, "
            "probes.analysis.rule, probes.analysis.taps, probes.analysis.intervals, "
            "probes.analysis.shares, probes.analysis.panel, probes.analysis.plots, probes.analysis.replay, "
            "probes.log, probes.files, probes.errors, probes",
        ),
        ("probes.learners.training", "import probes.log.layout", "leaves probes.learners"),
        (
            "probes.recording.recorder",
            "from probes.learners.training import train",
            "is for the roof alone: nothing in the recorder knows the built-in learner",
        ),
        (
            "probes.cli.verbs.record",
            "def f():\n from probes.recording.recorder import Recorder",
            "waits inside a function; one that cannot stand at the top hides a cycle",
        ),
        ("probes.quantities.taps.tap", 'import_module("probes.cli.verbs.record")', "goes up, from floor 2 to floor 5"),
    ],
)
def test_a_fault_is_found_and_named(module, line, fault):
    (found,) = faults(module, list(imports(line)), KNOWN)

    assert found.endswith(fault)
    assert found.startswith(f"{module}, line {line.count(chr(10)) + 1}: import of ")


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("probes.log.reader", "def frame():\n import pandas as pd"),
        ("probes.log.writing.writer", "from probes import __version__"),
        ("probes.analysis.theory.findings.claims", "from probes.log.layout import Series"),
        ("probes.analysis.theory.findings.claims", "from probes import open_log"),
        ("probes.log.writing.writer", "from probes.log.reader import open_log"),
        ("probes.cli.verbs.record", "from probes.learners.training import train"),
        ("probes.recording.recorder", "import os, torch\nfrom probes.errors import RunError"),
    ],
)
def test_an_import_downwards_is_no_fault(module, line):
    assert list(faults(module, list(imports(line)), KNOWN)) == []


def test_an_unknown_module_says_where_to_add_it():
    with pytest.raises(LookupError, match=r"probes\.new stands on no floor yet: add it to AREAS in tests/repository"):
        area_of("probes.new")


def test_a_cycle_is_named_in_order():
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
