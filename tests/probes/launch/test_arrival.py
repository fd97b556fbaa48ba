import importlib.util
import sys

import pytest

from probes.launch.import_hook import when_imported


@pytest.fixture
def module(write, tmp_path, monkeypatch):
    """The name of a module that nobody has imported."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    write("newcomer.py", "value = 3")
    yield "newcomer"
    sys.modules.pop("newcomer", None)


def test_what_is_to_be_done_waits_for_the_import(module):
    acted = []
    when_imported(module, lambda: acted.append(sys.modules[module].value))
    assert acted == []

    __import__(module)
    assert acted == [3]


def test_what_has_been_imported_is_not_waited_for():
    acted = []
    when_imported("sys", lambda: acted.append(1))

    assert acted == [1]


def test_nothing_is_left_behind(module):
    finders = list(sys.meta_path)
    when_imported(module, lambda: None)
    __import__(module)
    usual = importlib.util.spec_from_file_location(module, sys.modules[module].__file__).loader

    assert sys.meta_path == finders
    assert type(sys.modules[module].__loader__) is type(sys.modules[module].__spec__.loader) is type(usual)


def test_to_ask_whether_a_module_is_there_is_no_import(module):
    acted = []
    when_imported(module, lambda: acted.append(1))

    spec = importlib.util.find_spec(module)
    assert (spec.name, spec.loader.get_filename(), acted) == (module, spec.origin, [])
    __import__(module)
    assert acted == [1]


def test_an_import_that_fails_is_none(module, write):
    acted = []
    write("newcomer.py", "1 / 0")
    when_imported(module, lambda: acted.append(1))
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        __import__(module)

    assert acted == []


def test_what_is_not_there_stays_missing(module):
    when_imported("there_is_no_such_module", lambda: None)
    with pytest.raises(ModuleNotFoundError, match="No module named 'there_is_no_such_module'"):
        __import__("there_is_no_such_module")
