"""The command `probes`: one module a verb, loaded when its verb is typed, and one place where errors become exit codes.

`VERBS` holds the short help texts, so that ``probes --help`` answers without loading torch or pandas.
"""

import errno
import os
import sys
import warnings
from contextlib import suppress
from difflib import get_close_matches
from importlib import import_module
from typing import Any, TextIO

import click

from probes import __version__
from probes.cli.messages import say
from probes.cli.pending_launch import Handover
from probes.errors import ProbesError, UsageError
from probes.files.text import printable

__all__ = ["VERBS", "VerbGroup", "main"]

VERBS = {
    "record": "Train a study, or run a training script as it is, and record every step.",
    "recipes": "List the studies that can be recorded, or show one.",
    "estimate": "Say what a study takes before it is recorded: bytes and time.",
    "list": "List the runs under a folder: role, steps, size, status.",
    "watch": "Watch runs that are still being recorded.",
    "analyze": "Turn runs into tables, figures and a report.",
    "claims": "Set the theory's claims beside the measurements.",
    "evaluate": "Measure again, from kept weights, what only network and data can tell.",
    "outputs": "Store what a network says of an evaluation set, from a file.",
    "verify": "Check every byte of runs, and name every fault.",
    "pack": "Write a run into one file that needs no other.",
    "export": "Write a run's series as CSV, Parquet or netCDF.",
}


_INTERRUPTED = 128 + 2  # as a shell reports a process that SIGINT ended


class _Failure(click.ClickException):
    """What a person can mend, shown as one line on stderr; exit code 1."""

    def show(self, file: Any = None) -> None:
        click.echo(f"probes: {printable(self.format_message())}", file=file, err=file is None)


class _Misuse(_Failure):
    """The same for what was typed; exit code 2."""

    exit_code = 2


class VerbGroup(click.Group):
    """A group that imports ``probes.cli.<verb>`` and takes its ``command`` once the verb is called.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 (by a verb) ran but the check did not hold, 130 interrupted.

    Example:
        >>> VerbGroup("probes").list_commands(click.Context(main))[0]
        'record'
    """

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command line, and then, outside of click, the training script that it names, if it names one."""
        handover = Handover()
        try:
            result = super().main(*args, **extra, obj=handover)
        except SystemExit:
            if handover.launch is None:
                raise
        if handover.launch is None:
            return result
        return handover()

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, in the order of the work."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a verb, or None for a word that is no verb."""
        if cmd_name not in VERBS:
            return None

        ctx.ensure_object(Handover).quieten()  # before torch is loaded, which is below
        command: click.Command = import_module(f"probes.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that was typed, its command and the arguments after it.

        Raises:
            UsageError: The word is no verb.
        """
        # Completion in a shell asks with half a word, and takes no error for an answer.
        if args[0] not in VERBS and not ctx.resilient_parsing:
            raise UsageError(_unknown(args[0]))

        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of verbs from `VERBS`, without loading one."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """The result of the verb; an error becomes one line and an exit code."""
        if os.environ.get("NO_COLOR"):
            ctx.color = False

        try:
            with warnings.catch_warnings():
                warnings.showwarning = _warn
                return super().invoke(ctx)
        except UsageError as error:
            raise _Misuse(str(error)) from error
        except ProbesError as error:
            raise _Failure(str(error)) from error
        except KeyboardInterrupt as error:
            click.echo(err=True)  # ends the line on which the terminal wrote ^C
            raise click.exceptions.Exit(_INTERRUPTED) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # which click ends quietly
                raise
            if error.filename is None:
                _discard(sys.stdout)
            raise _Failure(": ".join(map(str, filter(None, (error.strerror or error, error.filename))))) from error


def _discard(stream: TextIO) -> None:
    """Have what waits to be written go nowhere: a disk that is full would have Python complain again at its end."""
    with suppress(OSError, ValueError):  # a stream without a file among them
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _warn(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Say a warning in one line, as people who typed a command expect it."""
    say(f"probes: {message}")


def _unknown(word: str) -> str:
    near = get_close_matches(word, VERBS, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"expected a verb of {', '.join(VERBS)}, got `{word}`{hint}"


@click.group(cls=VerbGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name="probes")
def main() -> None:
    """Record what every neuron learns at every optimizer step, and set the theory beside it.

    \b
    Example:
      probes record theory --out runs/theory
      probes analyze runs/theory --out report
      probes claims runs/theory
    """  # noqa: D301 - the mark that click leaves lines as they are after
