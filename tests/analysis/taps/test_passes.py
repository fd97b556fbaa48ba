import numpy as np
import pytest

from probes.analysis.taps import passes
from probes.analysis.taps.passes import blocks, computed, extremes_of, stretches
from probes.analysis.taps.statistics import Statistics, statistics
from probes.analysis.taps.tap import taps_of
from tests.analysis.hand import log_of, random_values, slow_null, slow_peak, slow_strength


@pytest.fixture(params=[1, 4, 100])
def rows_at_once(request, monkeypatch):
    """Blocks of so many steps of the values of `random_values`."""
    monkeypatch.setattr(passes, "BLOCK_BYTES", request.param * random_values()[0].nbytes)
    monkeypatch.setattr(passes, "_CHUNK_STEPS", 1)
    return request.param


def read(values):
    """A log of these correlations and its tap."""
    log = log_of(values)
    return log, taps_of(log)["correlations"]


def test_statistics_are_those_of_the_definitions():
    values = random_values(steps=2)
    strength, peak, neuron, off_strength, off_peak = statistics(values)

    for place in np.ndindex(strength.shape):
        assert strength[place] == pytest.approx(slow_strength(values, *place), rel=1e-6)
        assert peak[place] == slow_peak(values, *place)
        assert values[place[0], place[1], neuron[place], place[1], place[2]] == peak[place]
        assert off_strength[place] == pytest.approx(slow_null(values, *place, sum), rel=1e-6)
        assert off_peak[place] == slow_null(values, *place, max)


def test_blocks_are_all_rows_in_order(rows_at_once):
    values = random_values(steps=23)
    found = list(blocks(*read(values)))

    assert [block.start for block in found] == list(range(0, 23, min(23, rows_at_once)))
    assert np.array_equal(np.concatenate([block.correlations for block in found]), values)


def test_what_is_read_together_changes_no_bit(rows_at_once):
    values = random_values(steps=23)
    parts = zip(*computed(*read(values), np.arange(23)), strict=True)

    for name, part, whole in zip(Statistics._fields, parts, statistics(values), strict=False):
        assert np.concatenate(part).tobytes() == whole.tobytes(), name


def test_extremes_are_those_of_all_steps(rows_at_once):
    values = random_values(steps=23)
    found = extremes_of(*read(values))

    assert np.array_equal(found.first, values[0])
    assert np.array_equal(found.last, values[-1])
    assert np.array_equal(found.smallest, values.min(axis=0))
    assert np.array_equal(found.largest, values.max(axis=0))


def test_a_step_that_is_no_number_is_passed_over(rows_at_once):
    values = random_values(steps=5)
    values[2] = np.nan

    assert np.array_equal(extremes_of(*read(values)).largest, values[[0, 1, 3, 4]].max(axis=0))


def test_whole_chunks_are_read_at_once(monkeypatch):
    log = log_of(np.zeros((700, 2, 2, 2, 2)))
    monkeypatch.setattr(passes, "BLOCK_BYTES", 1)

    assert stretches(log, log.series["correlations"]) == [(0, 256), (256, 512), (512, 700)]


def test_a_row_too_large_for_whole_chunks_is_read_alone(monkeypatch):
    log = log_of(np.zeros((3, 2, 2, 2, 2)))
    monkeypatch.setattr(passes, "BLOCK_BYTES", 1)
    monkeypatch.setattr(passes, "_MOST_BYTES", 1)

    assert stretches(log, log.series["correlations"]) == [(0, 1), (1, 2), (2, 3)]
