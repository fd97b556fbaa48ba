import io

import pytest

from probes.cli import console as consoles
from probes.cli.console import PLAIN_WIDTH, console
from probes.cli.tables import show


@pytest.mark.parametrize("name", ["FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"])
def test_only_a_terminal_is_one_whatever_the_environment(name, monkeypatch, capsys):
    monkeypatch.setenv(name, "1")
    monkeypatch.setenv("COLUMNS", "40")
    show(["run", "reason"], [["seed-0", "word " * 20]])

    assert not console().is_terminal
    assert console().width == PLAIN_WIDTH
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["run", "seed-0"]


def test_a_terminal_keeps_its_width(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(consoles.sys, "stdout", Terminal())
    monkeypatch.setenv("COLUMNS", "40")

    assert console().width == 40


def test_cells_and_titles_move_no_cursor(capsys):
    show(["run\x1b[2J"], [["seed\x9b31m\n0"]], title="tap \x07")

    assert capsys.readouterr().out.split() == ["tap", r"\x07", r"run\x1b[2J", r"seed\x9b31m\n0"]
