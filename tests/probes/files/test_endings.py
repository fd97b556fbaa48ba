"""Ends of a process that nobody announces, each in a process of its own: what it wrote, and how it ended."""

import signal
import subprocess
import sys
from importlib.util import find_spec

import pytest

from probes.files.endings import LONG, SHORT

BEGIN = """
import gc, multiprocessing, os, signal, sys, threading
from probes.files.endings import at_end, not_at_end, rescued
class Notes:
    rescues = 0
    def rescue(self):
        if not self.rescues: print("rescued", flush=True)
        self.rescues += 1
    def __del__(self): rescued(self, "rescue")
def term(): os.kill(os.getpid(), signal.SIGTERM)
"""


def ended(script):
    command = [sys.executable, "-c", BEGIN + script]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.returncode, done.stdout.split()


@pytest.mark.parametrize("name", SHORT + LONG)
def test_what_a_signal_waits_for_or_not_is_a_package_of_ours(name):
    spec = find_spec(name)

    assert spec is not None
    assert spec.submodule_search_locations


WAYS = {
    "exit": ("notes = Notes(); at_end(notes); sys.exit(3)", (3, ["rescued"])),
    "SIGTERM": ("notes = Notes(); at_end(notes); term()", (-signal.SIGTERM, ["rescued"])),
    "the script's handler from before": (
        "signal.signal(signal.SIGTERM, lambda *_: print('own')); notes = Notes(); at_end(notes); term(); os._exit(4)",
        (4, ["rescued", "own"]),
    ),
    "the script's handler from later": (
        "notes = Notes(); at_end(notes); signal.signal(signal.SIGTERM, lambda *_: sys.exit(5)); term()",
        (5, ["rescued"]),
    ),
    "a signal that the script ignores": (
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); notes = Notes(); at_end(notes); term(); os._exit(6)",
        (6, []),
    ),
    "nobody has it any more": ("notes = Notes(); del notes; gc.collect(); os._exit(7)", (7, ["rescued"])),
    "all is written": (
        "notes = Notes(); at_end(notes); not_at_end(notes); print(signal.getsignal(signal.SIGTERM).name); os._exit(0)",
        (0, ["SIG_DFL"]),
    ),
    "a fork": (
        "notes = Notes(); at_end(notes); child = os.fork()\n"
        "if child == 0: print(signal.getsignal(signal.SIGTERM).name, flush=True); term()\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True); os._exit(0)",
        (0, ["SIG_DFL", "-15"]),
    ),
    "a process of multiprocessing": (
        "def work(): global notes; notes = Notes(); at_end(notes)\n"
        "child = multiprocessing.get_context('fork').Process(target=work); child.start(); child.join(); os._exit(0)",
        (0, ["rescued"]),
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_waits_is_rescued_and_the_process_ends_as_without_us(way):
    script, expected = WAYS[way]
    assert ended(script) == expected


def test_a_signal_amid_our_own_work_waits_for_its_end():
    work = "exec('term(); print(1, flush=True)', {**globals(), '__name__': 'probes.log.writing.block'})"
    script = f"notes = Notes(); at_end(notes); {work}; import time; time.sleep(30)"

    assert ended(script) == (-signal.SIGTERM, ["1", "rescued"])
