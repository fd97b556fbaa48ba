import os
import subprocess
import sys
import warnings
from types import ModuleType

import click
import pytest
from click.testing import CliRunner

from probes.cli import main
from probes.cli.group import VERBS
from probes.errors import LogError, RunError, UsageError


@pytest.fixture
def verb(monkeypatch):
    """A way to run `probes act` with a body of one's choice."""

    def run(body, **options):
        module = ModuleType("probes.cli.verbs.act")
        module.command = click.command("act")(body)
        monkeypatch.setitem(sys.modules, "probes.cli.verbs.act", module)
        monkeypatch.setitem(VERBS, "act", "Act.")
        return CliRunner().invoke(main, ["act"], **options)

    return run


def raising(error):
    def body():
        raise error

    return body


@pytest.mark.parametrize(
    ("error", "line", "code"),
    [
        (RunError("expected a run, got runs/x"), "probes: expected a run, got runs/x\n", 1),
        (LogError("seg-000001.h5 is damaged"), "probes: seg-000001.h5 is damaged\n", 1),
        (UsageError("expected a recipe, got `teory`"), "probes: expected a recipe, got `teory`\n", 2),
        (PermissionError(13, "Permission denied", "/root/x"), "probes: Permission denied: /root/x\n", 1),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(verb, error, line, code):
    result = verb(raising(error))

    assert (result.stdout, result.stderr, result.exit_code) == ("", line, code)


@pytest.mark.filterwarnings("default")
def test_a_warning_is_one_line_on_stderr(verb):
    result = verb(lambda: warnings.warn("the disk is full", RuntimeWarning, stacklevel=1))

    assert (result.stdout, result.stderr, result.exit_code) == ("", "probes: the disk is full\n", 0)


def test_an_interrupt_exits_as_in_a_shell(verb):
    assert verb(raising(KeyboardInterrupt())).exit_code == 130


def test_a_fault_of_our_own_keeps_its_traceback(verb):
    assert isinstance(verb(raising(ValueError("a bug"))).exception, ValueError)


def test_a_verb_may_choose_its_exit_code(verb):
    assert verb(lambda: sys.exit(3)).exit_code == 3


@pytest.mark.parametrize(("value", "text"), [("1", "red\n"), ("", "\x1b[31mred\x1b[0m\n")])
def test_no_color_is_honoured(verb, value, text):
    result = verb(lambda: click.secho("red", fg="red"), env={"NO_COLOR": value}, color=True)

    assert result.stdout == text


def test_an_unknown_verb_names_the_nearest():
    result = CliRunner().invoke(main, ["recrd"])

    verbs = ", ".join(VERBS)
    assert result.stderr == f"probes: expected a verb of {verbs}, got `recrd` (did you mean record?)\n"
    assert result.exit_code == 2


def test_a_word_like_no_verb_gets_no_guess():
    assert CliRunner().invoke(main, ["xyz"]).stderr.endswith("got `xyz`\n")


def test_help_lists_the_verbs_with_an_example():
    text = CliRunner().invoke(main, ["--help"]).stdout

    assert "probes record theory --out" in text
    assert [word for word in VERBS if f"\n  {word} " not in text] == []


def test_the_version_is_shown():
    assert CliRunner().invoke(main, ["--version"]).stdout == "probes, version 0.1.0\n"


def test_a_reader_that_leaves_is_no_fault():
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as broken:
        arguments = [sys.executable, "-m", "probes", "--help"]
        result = subprocess.run(arguments, stdout=broken, stderr=subprocess.PIPE, text=True, check=False)

    assert result.stderr == ""


@pytest.mark.parametrize("word", VERBS)
def test_a_verb_explains_itself_with_an_example(word):
    result = CliRunner().invoke(main, [word, "--help"])

    assert result.exit_code == 0
    assert f"probes {word}" in result.stdout.split("\n", 1)[1], "expected an example in the help text"


@pytest.mark.parametrize("word", VERBS)
def test_every_option_of_a_verb_has_help(word):
    command = main.get_command(click.Context(main), word)

    options = [each for each in command.params if isinstance(each, click.Option)]
    assert [each.name for each in options if not each.help] == []
