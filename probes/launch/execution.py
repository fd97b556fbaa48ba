"""Programs that replace their process with ``os.exec``, as many do to set ``PYTHONHASHSEED`` or a library's path.

What such a process is afterwards knows nothing of the recorder. Where it is the same program again, it is started under
the recorder again, with the options that were given; of any other the user is told.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from probes.launch.program import Program

__all__ = ["Executions", "recorded_again"]

_WITH_VALUE = ("-W", "-X", "--check-hash-based-pycs")  # options of Python that take the next word


class Executions:
    """Sees what replaces this process, from `attach` to `detach`.

    Args:
        program: What runs under the recorder.
        leaving: Called before the process is replaced with ``again``, whether it is by the program itself; returns
            whether that is to be recorded.

    Example:
        >>> seen = Executions(Program("train.py"), lambda *, again: again)
        >>> seen.attach()
        >>> seen.detach()
    """

    def __init__(self, program: Program, leaving: Callable[..., bool]) -> None:
        self._program, self._leaving = program, leaving
        self._process, self._folder, self._started = os.getpid(), Path.cwd(), list(sys.orig_argv)
        self._before: dict[str, Any] = {}

    def attach(self) -> None:
        """Take the place of the two functions of `os` that all others of their kind call."""
        self._before = {name: getattr(os, name) for name in ("execv", "execve")}
        for name, execute in self._before.items():
            setattr(os, name, self._seen(execute))

    def detach(self) -> None:
        """Give it back; a program's own function in that place stays."""
        for name, execute in self._before.items():
            if getattr(getattr(os, name), "__wrapped__", None) is execute:
                setattr(os, name, execute)

    def _seen(self, execute: Callable[..., Any]) -> Callable[..., Any]:
        def replace(path: Any, arguments: Sequence[Any], *environment: Any) -> Any:
            if os.getpid() == self._process and os.access(path, os.X_OK):  # a search of PATH tries those that are not
                arguments = self._words(path, arguments)
            return execute(path, arguments, *environment)

        replace.__wrapped__ = execute  # type: ignore[attr-defined]
        return replace

    def _words(self, path: Any, arguments: Sequence[Any]) -> Sequence[Any]:
        """The command line that takes this one's place."""
        again = None
        if _is_python(path) and Path.cwd() == self._folder:  # else files that the options name are not found
            again = recorded_again(self._program, self._started, [os.fsdecode(each) for each in arguments])
        return again if self._leaving(again=again is not None) and again is not None else arguments


def recorded_again(program: Program, started: Sequence[str], command: Sequence[str]) -> list[str] | None:
    """Return the command line that runs a program again under the recorder, or None where another one is to run.

    Args:
        program: What runs under the recorder.
        started: The words of this process, ``sys.orig_argv``: Python's, the recorder's and the program's.
        command: The words of a Python process.

    Example:
        >>> started = ["python", "-m", "probes", "record", "--out", "runs", "-m", "train", "--lr", "1"]
        >>> program = Program("train", ("--lr", "1"), is_module=True)
        >>> recorded_again(program, started, ["python", "-O", "-m", "train"])
        ['python', '-O', '-m', 'probes', 'record', '--out', 'runs', '-m', 'train']
    """
    words = [*(["-m"] if program.is_module else []), program.target, *program.arguments]
    if list(started[-len(words) :]) != words:
        return None  # called from a process that does other things, too
    options, run = _split(command[1:])
    if not run or not _is_same(run, program):
        return None
    return [command[0], *options, *started[1 : -len(words)], *run]


def _split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The options of Python, and what it runs with its arguments."""
    place = 0
    while place < len(words) and words[place].startswith("-") and words[place] not in {"-m", "-c", "-"}:
        place += 2 if words[place] in _WITH_VALUE else 1
    return list(words[:place]), list(words[place:])


def _is_same(run: Sequence[str], program: Program) -> bool:
    if run[0] == "-m":
        return program.is_module and list(run[1:2]) == [program.target]
    main = getattr(sys.modules["__main__"], "__file__", None)  # of a module, too, which names its file in `sys.argv`
    return main is not None and Path(run[0]).exists() and Path(run[0]).samefile(main)


def _is_python(path: Any) -> bool:
    try:
        return Path(path).samefile(sys.executable)
    except (OSError, TypeError):
        return False
