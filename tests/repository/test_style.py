import ast
import statistics
from functools import cache

import pytest

from tests.repository.sources import ROOT, files, modules, packaged

PYTHON = {str(path.relative_to(ROOT)): path for path in sorted(files()) if path.suffix == ".py"}
SOURCE = packaged()
LAZY = ("probes", "probes.analysis", "probes.analysis.theory")  # these load a name the first time it is used
PACKAGES = {name: path for name, path in SOURCE.items() if path.name == "__init__.py" and name not in LAZY}
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def tree_of(path):
    return ast.parse(path.read_text())


def body_lines(function):
    first = function.body[1] if ast.get_docstring(function) and len(function.body) > 1 else function.body[0]
    return function.end_lineno - first.lineno + 1


def bodies(path):
    return {node.name: body_lines(node) for node in ast.walk(tree_of(path)) if isinstance(node, FUNCTION)}


@pytest.mark.parametrize("name", PYTHON)
def test_a_file_has_at_most_300_lines(name):
    assert len(PYTHON[name].read_text().splitlines()) <= 300


@pytest.mark.parametrize("module", modules())
def test_a_function_has_at_most_40_lines(module):
    assert {name: lines for name, lines in bodies(modules()[module]).items() if lines > 40} == {}


def test_functions_are_small_as_a_whole():
    lines = [length for path in SOURCE.values() for length in bodies(path).values()]

    assert statistics.median(lines) <= 7
    assert statistics.quantiles(lines, n=10)[-1] <= 22


@pytest.mark.parametrize("module", SOURCE)
def test_source_holds_no_assert_and_no_print(module):
    found = [
        node.lineno
        for node in ast.walk(tree_of(SOURCE[module]))
        if isinstance(node, ast.Assert) or (isinstance(node, ast.Call) and ast.unparse(node.func) == "print")
    ]

    assert found == [], f"lines of {SOURCE[module]}"


@pytest.mark.parametrize("module", modules())
def test_source_postpones_nothing(module):
    lines = modules()[module].read_text().splitlines()

    assert [line for line in lines if any(word in line for word in ("TODO", "FIXME", "XXX", "TYPE_CHECKING"))] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_file_is_a_docstring_and_what_it_passes_on(package):
    docstring, *rest = tree_of(PACKAGES[package]).body or [None]

    assert isinstance(docstring, ast.Expr), "expected a docstring first"
    assert [ast.unparse(node) for node in rest if not passes_on(node)] == []


def passes_on(node):
    names_what = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    return names_what or isinstance(node, ast.Import | ast.ImportFrom)
