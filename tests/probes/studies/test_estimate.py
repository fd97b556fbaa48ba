import shutil

import pytest

from probes.log import open_logs
from probes.schedules import every, logarithmic
from probes.studies.estimate import PhaseSize, estimate, free_bytes
from probes.studies.recipe_files import built_in, override
from probes.studies.theory.plan import plan

TINY = built_in("tiny")


def of_role(log):
    return log.manifest.role, log.manifest.variant


@pytest.fixture(scope="module")
def recorded(tiny_root):
    """Of each phase of the tiny study its estimate and its runs."""
    logs, phases = list(open_logs(tiny_root)), zip(plan(TINY), estimate(TINY).phases, strict=True)
    return [
        (size, [log for log in logs if of_role(log) == (phase.runs[0].role, phase.runs[0].variant)])
        for phase, size in phases
    ]


def test_runs_and_rows_are_those_that_a_recording_has(recorded):
    for size, logs in recorded:
        assert {len(log.steps) for log in logs} == {size.rows}
        assert len(logs) == size.runs


def test_raw_bytes_are_those_of_the_recorded_arrays(recorded):
    for size, logs in recorded:
        assert size.raw == sum(log[name][:].nbytes for log in logs for name in log.series)


@pytest.mark.parametrize(
    ("part", "name", "slack"),
    [("log", "log.h5", 0.35), ("weights", "weights.safetensors", 0.002), ("tests", "evaluation.h5", 0.1)],
)
def test_bytes_on_disk_come_near_a_recording(recorded, part, name, slack):
    for size, logs in recorded:
        stored = sum((log.path / name).stat().st_size for log in logs)
        expected = size.log if part == "log" else size.runs * getattr(size, part)
        assert expected == pytest.approx(stored, rel=slack)


def test_a_whole_study_comes_near_a_recording(tiny_root):
    stored = sum(path.stat().st_size for path in tiny_root.glob("*/*"))
    assert estimate(TINY).total == pytest.approx(stored, rel=0.15)


def test_a_thinner_schedule_has_the_rows_it_names():
    sizes = estimate(TINY, schedule=every(10)).phases
    assert [size.rows for size in sizes] == [len(range(0, size.steps + 1, 10)) for size in sizes]


@pytest.mark.parametrize("schedule", [every(10), logarithmic(10)])
def test_a_thinner_schedule_takes_less(schedule):
    thin, whole = estimate(built_in("theory"), schedule=schedule), estimate(built_in("theory"))
    assert thin.raw < whole.raw / 9
    assert thin.log < whole.log / 5


def test_networks_without_private_noise_keep_no_memory_of_it():
    settings = {"noise.form": '"gaussian"', "noise.dim": "40"}
    first = estimate(override(TINY, settings)).phases[0]
    assert first.weights == 6 * 4 * 40 * 4  # class, neuron, dim, bytes


def test_the_most_on_the_disk_comes_at_the_end_of_a_phase():
    sizes = estimate(TINY).phases
    stored = [sum(size.total for size in sizes[: place + 1]) for place in range(len(sizes))]
    assert estimate(TINY).peak == max(before + size.scratch for before, size in zip(stored, sizes, strict=True))


def test_rows_of_a_large_run_are_sealed_meanwhile():
    large = PhaseSize("single", runs=2, steps=9, rows=10, values=10**8, weights=3, tests=0)
    assert large.scratch == 2 * (2**24 + 3)


def test_free_bytes_are_those_of_the_nearest_folder_there_is(tmp_path):
    assert free_bytes(tmp_path / "not" / "yet") == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.01)
