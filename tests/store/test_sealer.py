import threading
import time
from pathlib import Path

import pytest

from probes.log import Manifest
from probes.log.writing.block import Block
from probes.log.writing.sealer import Sealer


def block(index):
    return Block(Path("nowhere"), Manifest("seed-0", ()), index=index, capacity=1)


class Work:
    """Seals when told to, and remembers what."""

    def __init__(self, *faults):
        self.go = threading.Semaphore(0)
        self.faults = list(faults)
        self.done = []

    def __call__(self, block, *, hurried):
        assert self.go.acquire(timeout=10)
        if self.faults:
            raise self.faults.pop(0)
        self.done.append((block.index, hurried))


def test_blocks_are_sealed_in_order_and_hurried_while_others_wait(monkeypatch):
    monkeypatch.setattr(Sealer, "slots", threading.Semaphore(0))
    work = Work()
    work.go.release(3)
    sealer = Sealer(work)
    for index in range(3):
        sealer.submit(block(index))
    Sealer.slots.release()
    sealer.wait(0)

    assert work.done == [(0, True), (1, True), (2, False)]


def test_waiting_ends_when_few_enough_wait():
    work = Work()
    sealer = Sealer(work)
    for index in range(3):
        sealer.submit(block(index))
    work.go.release(2)
    sealer.wait(1)

    assert sealer.waiting == 1
    work.go.release()
    sealer.wait(0)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (OSError(28, "No space left on device"), r"No space left on device$"),
        (MemoryError("8 GiB"), "MemoryError: 8 GiB$"),
    ],
    ids=str,
)
def test_a_fault_is_raised_once_and_the_block_kept(fault, told):
    work = Work(fault)
    work.go.release(2)
    sealer = Sealer(work)
    sealer.submit(block(0))
    sealer.wait(0)
    assert (sealer.waiting, work.done) == (1, [])
    with pytest.raises(OSError, match=told):
        sealer.retry()

    sealer.wait(0)
    sealer.retry()
    assert work.done == [(0, False)]


def test_the_thread_ends_with_the_last_block():
    work = Work()
    sealer = Sealer(work)
    work.go.release(2)
    for index in range(2):
        sealer.submit(block(index))
        sealer.wait(0)
        while any(thread.name == "probes-seal" for thread in threading.enumerate()):
            time.sleep(0.001)

    assert work.done == [(0, False), (1, False)]
