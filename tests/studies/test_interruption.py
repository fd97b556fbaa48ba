import signal
import threading

import pytest

from probes.studies.interruption import Interruption


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_waits_and_the_second_acts_at_once(number):
    heard = []
    before = signal.signal(number, lambda *_: heard.append("second"))
    with Interruption() as interruption:
        signal.raise_signal(number)
        assert (interruption.came, heard) == (True, [])
        signal.raise_signal(number)
    signal.signal(number, before)

    assert heard == ["second"]


def test_without_a_signal_nothing_came_and_handlers_are_as_before():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Interruption() as interruption:
        assert not interruption.came

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_sigterm_ends_the_process_with_the_code_that_a_shell_expects():
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with Interruption() as interruption:
        signal.raise_signal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, before)

    assert interruption.error().code == 143


def test_in_another_thread_signals_are_left_alone():
    seen = []

    def work():
        with Interruption() as interruption:
            seen.append(interruption.came)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]
