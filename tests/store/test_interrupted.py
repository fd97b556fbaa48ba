"""A Ctrl-C at the worst moment, after which a notebook goes on: what was counted and what was written still agree."""

import threading

import numpy as np
import pytest
from tests.probes.log.runs import arrays, manifest

from probes.log import Manifest, Series, open_log
from probes.log.journal import read_journal
from probes.log.writing import RunWriter
from probes.log.writing.block import Block
from probes.log.writing.journal_writer import Journal
from probes.log.writing.pipeline import Pipeline
from probes.log.writing.sealer import Sealer

ROW = {name: values[0] for name, values in arrays().items()}
ONE = Manifest("seed-0", (Series("w", ("neuron",), (2,)),))


def interrupted(method):
    """The method, with a Ctrl-C when its work is done."""

    def call(*arguments, **options):
        method(*arguments, **options)
        raise KeyboardInterrupt

    return call


def test_a_row_that_is_in_counts(tmp_path, monkeypatch):
    with RunWriter(tmp_path / "seed-0", manifest()) as writer:
        monkeypatch.setattr(Pipeline, "_flush_when_due", interrupted(Pipeline._flush_when_due))
        with pytest.raises(KeyboardInterrupt):
            writer.append(0, ROW)

        assert writer.position(0) == (0, 1)
        assert len(open_log(writer.path).steps) == 1


def test_rows_that_are_in_the_journal_are_not_added_to_it(tmp_path, monkeypatch):
    block = Block(tmp_path, ONE, index=0, capacity=8)
    monkeypatch.setattr(Journal, "append", interrupted(Journal.append))
    for step in range(3):
        block.append(step, {"w": np.full(2, step, "f4")})
        with pytest.raises(KeyboardInterrupt):
            block.flush()
    monkeypatch.undo()
    block.flush()

    assert read_journal(tmp_path / "seg-000000.wal", ONE, 0).steps.tolist() == [0, 1, 2]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_thread_that_was_kept_from_starting_is_not_waited_for(tmp_path, monkeypatch, when):
    start, sealed = threading.Thread.start, []

    def interrupt(thread):
        if when == "after":
            start(thread)
        raise KeyboardInterrupt

    sealer = Sealer(lambda block, hurried: sealed.append(block.index))
    monkeypatch.setattr(threading.Thread, "start", interrupt)
    with pytest.raises(KeyboardInterrupt):
        sealer.submit(Block(tmp_path, ONE, index=7, capacity=1))
    monkeypatch.undo()
    sealer.retry()
    sealer.wait(0)

    assert (sealed, sealer.waiting) == ([7], 0)


def test_a_thread_that_python_takes_for_ended_is_not_replaced(tmp_path, monkeypatch):
    """Interrupted in `is_alive`, Python before 3.13 marks a running thread as one that has ended."""
    go, sealed = threading.Event(), []

    def seal(block, hurried):
        assert go.wait(10)
        sealed.append(block.index)

    sealer = Sealer(seal)
    sealer.submit(Block(tmp_path, ONE, index=0, capacity=1))
    monkeypatch.setattr(threading.Thread, "is_alive", lambda thread: False)
    sealer.submit(Block(tmp_path, ONE, index=1, capacity=1))
    go.set()
    sealer.wait(0)
    sealer.retry()

    assert (sealed, sealer.waiting) == ([0, 1], 0)


def test_a_writer_that_was_not_made_lets_the_next_one_in(tmp_path, monkeypatch):
    monkeypatch.setattr("probes.log.writing.writer.Pipeline", interrupted(Pipeline))
    with pytest.raises(KeyboardInterrupt) as kept_as_a_notebook_does:
        RunWriter(tmp_path / "seed-0", manifest())
    monkeypatch.undo()
    RunWriter(tmp_path / "seed-0", manifest(), overwrite=True).close()

    assert kept_as_a_notebook_does.type is KeyboardInterrupt
