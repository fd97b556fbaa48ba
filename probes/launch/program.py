"""A program of a user's own, run in this process as if Python had been started with it.

What a script can see of how it was started is as with ``python train.py`` or ``python -m package.module``: the modules
``__main__`` and ``__mp_main__`` (so that children made by spawn or forkserver find its classes), ``sys.argv``,
``sys.path[0]``, its own globals, the traceback and exit code of what it does not catch, and the order of traceback,
threads and ``atexit`` at the end.
"""

import builtins
import io
import runpy
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType, TracebackType

__all__ = ["Program"]


@dataclass(frozen=True)
class Program:
    """A script or a module, with the arguments that are its own.

    Attributes:
        target: A script's path as it was typed, or a module's name.
        arguments: What stands after it, untouched.
        is_module: Whether the target is a module's name, as after ``python -m``.

    Example:
        >>> Program("examples/train.py", ("--lr", "0.1")).name
        'train'
        >>> str(Program("package.train", ("--lr", "0.1"), is_module=True))
        '-m package.train --lr 0.1'
    """

    target: str
    arguments: tuple[str, ...] = ()
    is_module: bool = False

    @property
    def name(self) -> str:
        """The script without folder and ending, or the module's whole name."""
        return self.target if self.is_module else Path(self.target).stem

    def __str__(self) -> str:
        return " ".join([*(["-m"] if self.is_module else []), self.target, *self.arguments])

    def run(self, ended: Callable[[BaseException | None], object]) -> None:
        """Run the program; what it does not catch goes on to the interpreter, which then shows its own frames alone.

        Args:
            ended: Called with what the program did not catch, SystemExit included, or None, before threads and
                ``atexit`` functions of the program have ended.
        """
        try:
            self._execute(_new_main())
        except BaseException as error:
            ended(error)
            _show_own_frames(error)
            raise
        ended(None)

    def _execute(self, main: ModuleType) -> None:
        if self.is_module:
            _search_first(str(Path.cwd()))
            sys.argv = ["-m", *self.arguments]  # until the module is found, as with `python -m`
            runpy._run_module_as_main(self.target)  # type: ignore[attr-defined]  # noqa: SLF001 - what `python -m` calls
            return

        path = self.target if Path(self.target).is_absolute() else f"{Path.cwd()}/{self.target}"
        _search_first(str(Path(path).resolve().parent))
        sys.argv = [self.target, *self.arguments]
        vars(main).update(__file__=path, __cached__=None, __loader__=SourceFileLoader("__main__", path))
        with io.open_code(path) as stream:
            # From bytes, so that a coding cookie counts; and without this module's own `from __future__` imports.
            code = compile(stream.read(), path, "exec", dont_inherit=True)
        exec(code, vars(main))


def _new_main() -> ModuleType:
    """A module that takes the place of ``__main__``, with the globals that the interpreter gives to it."""
    main = ModuleType("__main__")
    if "__annotations__" in vars(sys.modules["__main__"]):  # up to Python 3.13
        vars(main)["__annotations__"] = {}
    vars(main)["__builtins__"] = builtins

    sys.modules["__main__"] = main
    if "__mp_main__" in sys.modules:  # made by `import multiprocessing`, which may have happened before
        sys.modules["__mp_main__"] = main
    return main


def _search_first(folder: str) -> None:
    """Have modules searched in a folder first, instead of where `probes` was started from."""
    if not sys.flags.safe_path:
        sys.path[0] = folder


def _show_own_frames(error: BaseException) -> None:
    """Leave out of the traceback, once the interpreter shows it, the frames that led to the program.

    The interpreter itself has to do it, at its time: only it can call a hook of the program's own as it does otherwise,
    and die of SIGINT after a KeyboardInterrupt.
    """
    own = error.__traceback__
    while own is not None and own.tb_frame.f_code.co_filename == __file__:
        own = own.tb_next
    before = sys.excepthook

    def show(kind: type[BaseException], value: BaseException, trace: TracebackType | None) -> None:
        sys.excepthook = before
        before(kind, value.with_traceback(own), own)

    sys.excepthook = show
