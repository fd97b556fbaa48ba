import ast
import importlib
from pathlib import Path

import pytest

import probes


@pytest.mark.parametrize("name", probes._MODULE_OF)
def test_a_lazy_name_is_its_modules_own(name):
    assert getattr(probes, name) is getattr(importlib.import_module(probes._MODULE_OF[name]), name)


@pytest.mark.parametrize("name", probes._SUBPACKAGES)
def test_a_subpackage_is_an_attribute(name):
    assert getattr(probes, name).__name__ == f"probes.{name}"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"^module 'probes' has no attribute 'recorder_'$"):
        _ = probes.recorder_


def test_dir_lists_the_lazy_names():
    assert set(dir(probes)) == {"__version__", *probes._MODULE_OF, *probes._SUBPACKAGES}


def test_type_checkers_see_the_same_names():
    stub = ast.parse(Path(probes.__file__).with_suffix(".pyi").read_text())
    seen = {alias.name: node.module for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names}

    assert seen == probes._MODULE_OF | dict.fromkeys(probes._SUBPACKAGES, "probes")
