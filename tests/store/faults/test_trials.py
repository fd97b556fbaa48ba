"""Every way in which a log could be lost, tried out in short; `scripts/torture` does it at length."""

import pytest
from tests.torture.outcome import KINDS, kind_of, tried


@pytest.mark.parametrize("name", KINDS)
def test_no_log_is_lost(tmp_path, name):
    short = kind_of(name).SHORT
    outcome = tried(name, tmp_path, count=short)
    if outcome.checked.startswith("skipped"):
        pytest.skip(outcome.checked)

    assert outcome.failures == ()
    assert outcome.count == short
