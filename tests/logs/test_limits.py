"""Files that declare far more than they hold: each is refused, or harmless, within seconds and little memory."""

from functools import partial

import pytest
from tests.torture.hostile import READ
from tests.torture.hostile_limits import KINDS
from tests.torture.processes import in_child
from tests.torture.subjects import cut_off, packed

from probes.errors import ProbesError
from probes.log import open_log

SECONDS, BYTES = 5, 2**27
ROWS = {"packed": packed, "cut-off": cut_off}


def read(run, tell):
    import resource
    import time

    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        log = open_log(run)
        for look in READ:
            try:
                look(log)
            except ProbesError as error:
                tell(f"refused {error}")
    except ProbesError as error:
        tell(f"refused {error}")
    took = time.monotonic() - began
    taken = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    tell(f"took {took:.1f} s and {taken} bytes")
    if took > SECONDS or taken > BYTES:
        raise MemoryError(f"{took} s, {taken} bytes")


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_read_in_little_time_and_memory(tmp_path, kind):
    subject, change = KINDS[kind]
    run = tmp_path / "seed-0"
    ROWS[subject](run)
    open_log(run).scalars()
    change(run)
    lines, ending = in_child(partial(read, run))

    assert ending == "", lines
