"""Ctrl-C amid the work of HDF5, where Python drops what a handler raises: it comes when that work is done."""

import signal
import threading
import weakref

import numpy as np
import pytest
from tests.probes.log.runs import ROW_BYTES, STEPS, fill, manifest

from probes.files.interrupts import held
from probes.log import arrays, open_log
from probes.log.writing import RunWriter
from probes.segments import merged, segment

VIEW = {"block_bytes": 12 * ROW_BYTES, "pack_bytes": 0}


class Thing:
    """What HDF5 lets go."""


class Done:
    """Work that counts how often it was done."""

    count = 0

    def __call__(self):
        self.count += 1


def do_held(*works):
    with held():
        for work in works:
            work()


def ctrl_c():
    signal.raise_signal(signal.SIGINT)


def interrupted_callback():
    """A Ctrl-C while the last reference to something goes, as objects of h5py do all the time."""
    thing = Thing()
    reference = weakref.ref(thing, lambda _: ctrl_c())
    del thing
    assert reference() is None


@pytest.fixture(autouse=True)
def handled():
    """As Python sets it, however this process was started."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_without_it_a_ctrl_c_is_lost():
    interrupted_callback()


def test_one_is_raised_when_the_block_ends():
    with pytest.raises(KeyboardInterrupt):
        do_held(interrupted_callback, done := Done())

    assert done.count == 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_one_is_not_kept_waiting():
    with pytest.raises(KeyboardInterrupt):
        do_held(ctrl_c, until_the_second := Done(), ctrl_c, after_it := Done())

    assert (until_the_second.count, after_it.count) == (1, 0)


def test_inside_another_it_waits_for_the_outer_one():
    with pytest.raises(KeyboardInterrupt):
        do_held(lambda: do_held(ctrl_c), outer := Done())

    assert outer.count == 1


def test_an_error_of_the_block_is_not_lost_beside_it():
    with pytest.raises(KeyboardInterrupt) as caught:
        do_held(ctrl_c, lambda: 1 // 0)

    assert isinstance(caught.value.__context__, ZeroDivisionError)


def test_handlers_stay_as_they_are_in_a_thread_and_where_a_signal_is_ignored():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    seen = []

    def look():
        with held():
            seen.append(signal.getsignal(signal.SIGINT))

    look()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()

    assert seen == [signal.SIG_IGN, signal.default_int_handler]


@pytest.mark.parametrize(
    ("options", "where"), [({}, segment), ({"block_bytes": 12 * ROW_BYTES}, segment), (VIEW, merged)]
)
def test_a_run_that_is_being_closed_is_closed_first(tmp_path, monkeypatch, options, where):
    write_common = where.write_common

    def interrupted(*arguments):
        monkeypatch.undo()
        interrupted_callback()
        write_common(*arguments)

    writer = RunWriter(tmp_path / "seed-0", manifest(), **options)
    fill(writer)
    monkeypatch.setattr(where, "write_common", interrupted)
    with pytest.raises(KeyboardInterrupt), writer:
        pass

    assert open_log(writer.path).status == "finished"
    assert open_log(writer.path).steps.tolist() == STEPS.tolist()


def test_a_file_of_arrays_is_written_first(tmp_path, monkeypatch):
    write_attributes = arrays.write_attributes
    monkeypatch.setattr(arrays, "write_attributes", lambda *given: (interrupted_callback(), write_attributes(*given)))
    with pytest.raises(KeyboardInterrupt):
        arrays.write_arrays(tmp_path / "a.h5", {"labels": np.arange(3)}, {})

    assert arrays.read_arrays(tmp_path / "a.h5")[0]["labels"].tolist() == [0, 1, 2]
