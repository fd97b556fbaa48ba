"""The two passes of a training step as loops in C++, translated once in a process by the compiler found on the machine.

What they do stands in ``loops.cpp``. A translation took 0.4 s, so none is kept: no file can be stale, or another's.

Axes: n = sample, p = patch, d = dim, column = run x class x neuron.
"""

import ctypes
import logging
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["Pull", "Terms", "compiler", "loops_of", "warn_not_compiled"]

_LOGGER = logging.getLogger("probes")

# A product and a sum are never rounded as one: at the end of a vector that might be done for some columns alone. And
# comparisons with NaN need not trap: where they have to, gcc 12 made no vectors, and the loops took 17 times as long.
_OPTIONS = ("-O3", "-march=native", "-ffp-contract=off", "-fno-trapping-math", "-shared", "-fPIC")
# What comes with macOS knows no threads of this kind.
_THREADS = "-fopenmp-simd" if sys.platform == "darwin" else "-fopenmp"
_SOURCE = Path(__file__).with_name("loops.cpp")
_POINTERS = ("memory", "feature", "strength", "noise", "weights")
_SIZES = ("stride", "samples", "patches", "columns", "dims", "parts", "threads")


class Terms(ctypes.Structure):
    """What pre-activations are computed from, as ``loops.cpp`` declares it: addresses, sizes, and 1 / threshold.

    Example:
        >>> Terms(samples=3, patches=2).samples
        3
    """

    _fields_ = (
        *((name, ctypes.c_void_p) for name in _POINTERS),
        *((name, ctypes.c_int64) for name in _SIZES),
        ("scale", ctypes.c_float),
    )


class Pull(ctypes.Structure):
    """A pull on the units and where it adds to, as ``loops.cpp`` declares it: addresses, and how far apart rows are.

    Example:
        >>> Pull(stride=3).stride
        3
    """

    _fields_ = (*((name, ctypes.c_void_p) for name in ("pulls", "work", "gradients")), ("stride", ctypes.c_int64))


@cache
def loops_of(q: int) -> ctypes.CDLL | None:
    """Return the loops ``units`` and ``pull`` for an activation of this q; None, after saying why, without a compiler.

    Args:
        q: Exponent of the smoothed ReLU.

    Example:
        >>> loops = loops_of(3)
        >>> loops is None or loops.units.restype is None
        True
    """
    try:
        return _translated(q)
    except subprocess.CalledProcessError as error:
        reason = f"{error.cmd[0]}: {error.stderr.strip().partition(chr(10))[0]}"
    except OSError as error:
        reason = str(error)
    warn_not_compiled(reason)

    return None


def warn_not_compiled(reason: str) -> None:
    """Say why training will be by plain operations.

    Args:
        reason: What compiling failed by, in one line.

    Example:
        >>> warn_not_compiled("no C++ compiler g++ was found")
    """
    _LOGGER.warning("training is not compiled, which takes longer: %s", reason)


def compiler() -> str:
    """Return the C++ compiler: what ``CXX`` names, or the usual one.

    Raises:
        FileNotFoundError: If there is none.

    Example:
        >>> from unittest.mock import patch
        >>> with patch.dict("os.environ", CXX="python3"):
        ...     compiler()
        'python3'
    """
    name = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    if shutil.which(name) is None:
        raise FileNotFoundError(f"no C++ compiler {name} was found")

    return name


def _translated(q: int) -> ctypes.CDLL:
    with TemporaryDirectory() as folder:
        target = f"{folder}/loops.so"
        command = [compiler(), *_OPTIONS, _THREADS, f"-DQ={q}", str(_SOURCE), "-o", target]
        subprocess.run(command, check=True, capture_output=True, text=True)
        loops = ctypes.CDLL(target)

    terms = ctypes.POINTER(Terms)
    loops.units.argtypes, loops.units.restype = [terms, ctypes.c_void_p], None
    loops.pull.argtypes, loops.pull.restype = [terms, ctypes.POINTER(Pull), ctypes.c_int64], None

    return loops
