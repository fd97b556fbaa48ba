import doctest
import inspect
import io
from importlib import import_module

import click
import pytest
import torch

from tests.repository.sources import packaged

# Each entry says why its object cannot show itself in a line or two.
WITHOUT_EXAMPLE: dict[str, str] = {
    "probes.integrations.huggingface.callback": "Transformers may not be there",
    "probes.integrations.lightning.callback": "Lightning may not be there",
}

SHOWN = [name for name in packaged() if not name.startswith("probes.analysis")]


@pytest.fixture
def _apart(tmp_path, monkeypatch):
    """A folder of its own, and torch's global generator as it was."""
    monkeypatch.chdir(tmp_path)
    with torch.random.fork_rng(devices=[]):
        yield


def public(module):
    names = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
    found = {name: vars(module)[name] for name in names if name in vars(module)}
    return {name: thing for name, thing in found.items() if getattr(thing, "__module__", "") == module.__name__}


def shows_itself(thing):
    """A function, or a class that one can make: no error, no protocol, no command (whose example is its help)."""
    if inspect.isclass(thing):
        return not issubclass(thing, BaseException) and not getattr(thing, "_is_protocol", False)
    return inspect.isfunction(thing) and not isinstance(thing, click.Command)


@pytest.mark.usefixtures("_apart")
@pytest.mark.parametrize("name", packaged())
def test_the_examples_of_a_module_run(name):
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    report = io.StringIO()
    for example in doctest.DocTestFinder().find(import_module(name)):
        runner.run(example, out=report.write)

    assert runner.failures == 0, report.getvalue()


@pytest.mark.parametrize("name", SHOWN)
def test_what_is_public_has_an_example(name):
    things = {f"{name}.{key}": thing for key, thing in public(import_module(name)).items() if shows_itself(thing)}
    bare = [key for key, thing in things.items() if ">>> " not in (inspect.getdoc(thing) or "")]

    assert [key for key in bare if key not in WITHOUT_EXAMPLE] == []
