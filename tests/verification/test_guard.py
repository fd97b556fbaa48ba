"""A process of its own for each piece of work: what ends it is named, and what it said is heard."""

import json
import subprocess
import sys

import pytest

from probes.log.verification.guard import Limits
from tests.repository.sources import ROOT

# `guarded` forks, which a process with threads, such as that of the tests, must not do.
SCRIPT = """
import json, os, signal, sys, time
from probes.log.verification import guard
from probes.log.verification.guard import Limits, guarded

guard._WALL = 1.5

def crash():
    yield 1
    os.kill(os.getpid(), signal.SIGSEGV)

def loop():
    yield 1
    while True: pass

def sleep():
    yield 1
    time.sleep(60)

def eat():
    yield 1
    yield len(bytearray(2**29))

def write():
    yield os.write(os.open("file", os.O_CREAT | os.O_WRONLY), b"x")

def chatter():
    while True: yield "x" * 10**6

def fail():
    yield 1
    raise KeyError("a")

work = {each.__name__: each for each in (crash, loop, sleep, eat, write, chatter, fail)}
work["whole"] = lambda: [1, {"a": [2, "b"]}]
print(json.dumps({name: guarded(each, Limits(1, 2**28)) for name, each in work.items()}))
"""


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """What each piece of work said, and how it ended."""
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{SCRIPT}"]
    done = subprocess.run(command, cwd=tmp_path_factory.mktemp("work"), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("crash", "ended the checking process (signal 11)"),
        ("loop", "took longer than 1 s; give it more time (--seconds)"),
        ("sleep", "took longer than 1 s; give it more time (--seconds)"),
        ("eat", "took more than 0.2 GiB of memory"),
        ("fail", "ended the checking process (exit code 1)"),
    ],
)
def test_what_ends_the_work_is_named_and_what_it_said_is_kept(ended, name, ending):
    assert ended[name] == [[1], ending]


def test_work_that_comes_to_its_end_gives_all_it_said(ended):
    assert ended["whole"] == [[1, {"a": [2, "b"]}], ""]


def test_work_that_says_without_end_is_ended(ended):
    assert len(ended["chatter"][0]) == 4
    assert ended["chatter"][1]


def test_work_can_write_no_file(ended):
    assert ended["write"] == [[], "ended the checking process (exit code 1)"]


def test_limits_grow_with_the_bytes_of_a_file():
    assert Limits.for_bytes(0) == Limits(30, 2**31)
    assert Limits.for_bytes(2**30) == Limits(30 + 4 * 1024, 2**31 + 2**32)
    assert Limits.for_bytes(2**30, seconds=5).seconds == 5
