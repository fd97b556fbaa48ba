"""Tiny programs that show what a program can see of how it was started, and both ways to start them."""

import os
import subprocess
import sys

from tests.repository.sources import ROOT

ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"} | {"PYTHONPATH": str(ROOT)}

SCRIPTS = {
    "arguments": "import sys; print(sys.argv)",
    "globals": """
import sys
facts = {key: value for key, value in globals().items() if key != "__loader__"}
print(list(globals()), facts, sys.path[0], sys.flags)
print(type(__loader__).__name__, __loader__.name, __loader__.path)
print(sys.modules["__main__"].__dict__ is globals(), "__mp_main__" in sys.modules)
""",
    "documented": '"""Trains."""\nprint(__doc__, __annotations__)\nx: int = 1\nprint(__annotations__)',
    "exit code": "import sys; sys.exit(3)",
    "exit text": "import sys; sys.exit('it does not work')",
    "exit none": "import sys; sys.exit()",
    "exit with what is no code": "import sys; sys.exit([1, 2])",
    "exit at once": "import os; print('here', flush=True); os._exit(4)",
    "uncaught": "def f():\n    raise ValueError('two\\nlines')\n\n\nf()",
    "uncaught in a chain": """
try:
    {}["x"]
except KeyError:
    raise RuntimeError("worse")
""",
    "uncaught group": "raise ExceptionGroup('several', [ValueError(1), KeyError(2)])",
    "no Python": "x = (",
    "own excepthook": """
import sys, traceback
sys.excepthook = lambda kind, value, trace: print(kind, value, traceback.format_tb(trace), value.__traceback__ is trace)
raise ValueError("x")
""",
    "excepthook that exits": "import sys\nsys.excepthook = lambda *_: sys.exit(7)\nraise ValueError('x')",
    "atexit": "import atexit, sys\natexit.register(print, 'once')\nsys.exit(2)",
    "atexit after the traceback": """
import atexit, sys
atexit.register(sys.stderr.write, "once\n")
raise ValueError("x")
""",
    "threads": """
import atexit, threading, time
atexit.register(print, "last")
threading.Thread(target=lambda: (time.sleep(0.2), print("later"))).start()
threading.Thread(target=lambda: time.sleep(60), daemon=True).start()
thread = threading.Thread(target=lambda: 1 / 0)
thread.start(), thread.join()
print(threading.current_thread().name, "end of the script")
""",
    "interrupted": "import os, signal\n\n\ndef f():\n    os.kill(os.getpid(), signal.SIGINT)\n    input()\n\n\nf()",
    "interrupted and caught": """
import os, signal
try:
    os.kill(os.getpid(), signal.SIGINT)
    input()
except KeyboardInterrupt:
    print("caught")
""",
    "terminated": "import os, signal, time; os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)",
    "signal handlers": "import signal; print([signal.getsignal(number) for number in signal.valid_signals()])",
    "stdin": "import sys; print(input('? '), repr(sys.stdin.read()))",
    "warnings": """
import warnings
print(warnings.filters, warnings.showwarning.__module__)
for _ in range(2):
    warnings.warn("told once")
    warnings.warn("told once, too", DeprecationWarning)
warnings.simplefilter("error")
warnings.warn("raised")
""",
    "logging": "import logging; logging.warning('x'); print(logging.root.handlers, logging.root.level)",
    "environment": "import os, sys; print(os.environ, os.getcwd(), sys.executable, sys.stdout, sys.stderr)",
    "nothing heavy is loaded": "import sys; print({'torch', 'numpy', 'h5py', 'multiprocessing'} & set(sys.modules))",
    "limits": "import gc, sys; print(gc.isenabled(), gc.get_threshold(), sys.getrecursionlimit())",
    "no command is at work": "import click; print(click.get_current_context(silent=True))",
    "annotations are evaluated": "def f(x: 1 + 1): pass\nprint(f.__annotations__)",
    "annotations of the future": "from __future__ import annotations\ndef f(x: 1 + 1): pass\nprint(f.__annotations__)",
    "coding cookie": "# -*- coding: latin-1 -*-\nprint(ascii('\xe9'))".encode("latin-1"),
    "byte order mark": b"\xef\xbb\xbfprint(ascii('\xc3\xa9'))",
    "pickles of its classes": """
import pickle
class Sample: pass
print(type(pickle.loads(pickle.dumps(Sample()))) is Sample, Sample.__module__)
""",
    "its source": "import inspect\ndef f():\n    return 1\nprint(inspect.getsource(f), inspect.getsourcefile(f))",
    "objects that go last": "class Last:\n    def __del__(self): print('gone')\nlast = Last()",
    "children": """
import multiprocessing, sys


class Sample:
    value = 3


def work(sample, queue):
    queue.put((sample.value, type(sample).__module__, __name__, sys.argv, sys.path[0], Sample()))


if __name__ == "__main__":
    for method in ("fork", "forkserver", "spawn"):
        context = multiprocessing.get_context(method)
        queue = context.SimpleQueue()
        process = context.Process(target=work, args=(Sample(), queue))
        process.start()
        *facts, sample = queue.get()
        process.join()
        print(method, facts, type(sample) is Sample, process.exitcode)
""",
    "a fork that goes on": """
import os
print("before", flush=True)
child = os.fork()
if child:
    os.waitpid(child, 0)
print("child" if child == 0 else "parent", flush=True)
""",
}

ARGUMENTS = ("--help", "-o", "x", "--", "--out", "y", "-m", "", "theory.py")


def run(*words, cwd, **options):
    """Exit code and output of Python with these words."""
    arguments = {"input": "typed\nmore\n", "env": ENVIRONMENT, "cwd": cwd} | options
    ended = subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True, check=False, **arguments)
    return ended.returncode, ended.stdout, ended.stderr


def recorded(*words, cwd, options=(), entry=("-m", "probes"), **others):
    """The same for a program under the recorder, without what the recorder says."""
    code, out, told = run(*entry, "record", "--out", cwd / "runs", *options, *words, cwd=cwd, **others)
    lines = told.splitlines(keepends=True)
    return code, out, "".join(line for line in lines if not line.startswith("probes: "))


def said(*words, cwd, options=(), **others):
    """What the recorder says of a program."""
    *_, told = run("-m", "probes", "record", "--out", cwd / "runs", *options, *words, cwd=cwd, **others)
    return [line.removeprefix("probes: ") for line in told.splitlines() if line.startswith("probes: ")]
