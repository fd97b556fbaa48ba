"""Writes docs/compatibility.md: every situation that a test shows, whether it works or is refused, and the test.

    python -m scripts.compatibility          collects the tests and writes the table

Tests carry ``@pytest.mark.situation("gradient accumulation", "works")``. What is collected are the tests of the
frameworks that are installed here; `dev` installs all of them.
"""

import contextlib
import io
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "compatibility.md"
VERDICTS = ("works", "refused", "unsupported")

HEAD = """# Compatibility

What a recorder was tried on. Each line is shown by a test that CI runs: `works` means that every real update is
recorded once and training stays as it is without the recorder; `refused` means one clear error before anything is
recorded; `unsupported` means that it is said and nothing is recorded. Written by `python -m scripts.compatibility`.

| situation | verdict | shown by |
|---|---|---|
"""


class Situation(NamedTuple):
    """A line of the table."""

    verdict: str
    file: str
    test: str
    name: str


class _Gathering:
    """A pytest plugin that notes the situations of what is collected."""

    def __init__(self) -> None:
        self.found: set[Situation] = set()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            for mark in item.iter_markers("situation"):
                name, verdict = mark.args
                file, _, test = item.nodeid.partition("::")
                self.found.add(Situation(verdict, file, test.partition("[")[0], name))


def gathered() -> list[Situation]:
    """Every situation that a test shows, sorted by verdict, file and test."""
    plugin = _Gathering()
    with contextlib.redirect_stdout(io.StringIO()) as said:
        code = pytest.main(["--collect-only", "-q", "-m", "", "-p", "no:cacheprovider", str(ROOT / "tests")], [plugin])
    if code != pytest.ExitCode.OK:
        raise SystemExit(said.getvalue())
    return sorted(plugin.found, key=lambda one: (VERDICTS.index(one.verdict), one))


def page(situations: Iterable[Situation]) -> str:
    """The page as Markdown."""
    rows = (f"| {one.name} | {one.verdict} | [{one.test}](../{one.file}) |\n" for one in situations)
    return HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(gathered()))
