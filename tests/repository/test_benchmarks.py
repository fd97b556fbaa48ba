"""The benchmarks run, and what they compare is what they say."""

import numpy as np
import pytest

from probes.learners.recipe_files import built_in
from scripts.benchmarks import analysis, appending, store
from scripts.benchmarks.trajectories import noisy, trajectories
from scripts.benchmarks.turns import interleaved, ratios


def test_contestants_take_turns_and_their_medians_count():
    calls, seconds = [], iter([0, 9, 10, 11, 100, 105, 200, 202, 300, 307, 400, 409, 500, 503, 600, 601])
    medians = interleaved([lambda: calls.append("a"), lambda: calls.append("b")], rounds=3, clock=lambda: next(seconds))

    assert "".join(calls) == "abbaabba"
    assert medians == [2, 5]


def test_a_turn_is_compared_with_the_bare_ones_around_it():
    lengths = {"-": iter([9, 9, 2, 4]), "a": iter([9, 6, 9])}  # the first round warms up
    calls, clock = [], [0]

    def run(name):
        calls.append(name)
        clock[0] += next(lengths[name])

    bare, found = ratios(lambda: run("-"), [lambda: run("a")], rounds=2, clock=lambda: clock[0])

    assert "".join(calls) == "-a-a-a-"
    assert (bare, found) == (3, [(2 * 6 / (9 + 2) + 2 * 9 / (2 + 4)) / 2])


def test_trajectories_grow_by_a_power_law_and_saturate():
    found = trajectories(400, (100, 3)).astype(float)
    first = np.diff(found[:5], axis=0) / found[:4] ** 2

    np.testing.assert_allclose(first, np.broadcast_to(first[0, :, :1], first.shape), rtol=0.02)
    assert (np.diff(found, axis=0) >= 0).all()
    assert found[-1].max(1)[:80] == pytest.approx(2.75, abs=1)


def test_noise_is_relative():
    found = noisy(np.full((1000, 100), 5, "f4"))

    assert found.std() == pytest.approx(5e-4, rel=0.01)


def test_the_store_is_measured(monkeypatch):
    monkeypatch.setattr(appending, "BLOCK_BYTES", 2**18)
    monkeypatch.delitem(appending.STEPS, 50_000)
    rows = store.measure(built_in("tiny"), steps=256, rounds=1)

    assert len({row["name"] for row in rows}) == len(rows) == 15
    assert [row["name"] for row in rows if not row["ratio"] > 0] == []
    assert sum(bool(row["target"]) for row in rows) == 11


@pytest.mark.slow  # it draws reports, again and again
def test_the_analysis_is_measured():
    rows = analysis.measure(steps=1500, rounds=1)

    assert len({row["name"] for row in rows}) == len(rows) == 8
    assert [row["name"] for row in rows if not row["ratio"] > 0] == []
    assert sum(bool(row["target"]) for row in rows) == 7
