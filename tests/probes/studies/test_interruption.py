import signal
import threading

import pytest

from probes.studies.interruption import Interruption


def interrupted(number, *work):
    """Some work, interrupted before its beginning."""
    with Interruption() as interruption:
        signal.raise_signal(number)
        for part in work:
            part(interruption)


@pytest.mark.parametrize(("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_the_first_signal_waits_and_the_second_acts_at_once(number, error):
    heard = []
    before = signal.signal(number, lambda *_: heard.append("second"))
    with pytest.raises(error):
        interrupted(
            number,
            lambda interruption: heard.append(interruption.came),
            lambda _: signal.raise_signal(number),
            lambda _: heard.append("end"),
        )
    signal.signal(number, before)

    assert heard == [True, "second", "end"]


def test_without_a_signal_nothing_came_and_handlers_are_as_before():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Interruption() as interruption:
        assert not interruption.came

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_sigterm_ends_the_process_with_the_code_that_a_shell_expects():
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with pytest.raises(SystemExit) as ended:
        interrupted(signal.SIGTERM)
    signal.signal(signal.SIGTERM, before)

    assert ended.value.code == 143


def test_a_ctrl_c_that_nobody_asks_for_is_not_lost():
    done = []
    with pytest.raises(KeyboardInterrupt):
        interrupted(signal.SIGINT, lambda _: done.append("the step"))

    assert done == ["the step"]


def test_in_another_thread_signals_are_left_alone():
    seen = []

    def work():
        with Interruption() as interruption:
            seen.append(interruption.came)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]
