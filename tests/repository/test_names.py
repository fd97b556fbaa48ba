import re

import pytest

from tests.repository.sources import ROOT, files

# At the start of a line, of a doctest line, of a string given to `python -c`, or after a semicolon.
START = r"""(?:^|>>>|\.\.\.|["';])[ \t]*"""
BARE_IMPORT = re.compile(START + r"""(?:import|from) (?:learners|analysis)\b(?!["'`])""", re.MULTILINE)


def text_of(path):
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return ""


def test_our_folders_are_imported_under_probes_alone():
    found = [str(path.relative_to(ROOT)) for path in files() if BARE_IMPORT.search(text_of(path))]

    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "import {}",
        "    from {}.training import train",
        ">>> from {} import frames",
        "python -c 'import {}.frames'",
        "x = 1; import {}",
    ],
)
@pytest.mark.parametrize("folder", ["learners", "analysis"])
def test_a_bare_import_is_found(line, folder):
    assert BARE_IMPORT.search("first line\n" + line.format(folder))


@pytest.mark.parametrize("line", ["from probes.{} import x", "import probes.{}", "figures come from {}", "`import {}`"])
def test_an_import_by_the_whole_name_is_fine(line):
    assert not BARE_IMPORT.search(line.format("analysis"))
