import csv
import os
import re
import shutil
import socket
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from probes.errors import RunError
from probes.log import open_log, open_logs
from probes.log.manifest import Manifest, write_manifest
from probes.log.writing.lock import RunLock
from probes.studies import record_study
from probes.studies.estimate import estimate
from probes.studies.executors import Inline, Spawned, engine
from probes.studies.sweep import points_of
from probes.studies.sweep_point import Outcome, finished
from probes.studies.sweep_record import record_sweep, waiting_points
from tests.probes.studies.sweeps import SMALL, SWEEP

FACTORY = """
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

def pool():
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))
"""


@pytest.fixture(scope="module")
def inline(tmp_path_factory):
    """The sweep, recorded in this process; tests only read it."""
    root = tmp_path_factory.mktemp("sweep") / "inline"
    record_sweep(SWEEP, root, threads=1)
    return root


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster:
        yield cluster


def rows(root):
    with (root / "sweep.csv").open() as stream:
        return list(csv.DictReader(stream))


def bits(root):
    """All that was recorded, by the place where it lies."""
    logs = {log.path.relative_to(root): log for log in open_logs(root)}
    return {
        str(place): [np.asarray(log["correlations"]).tobytes(), log.scalars().to_csv(), log.evaluation.arrays]
        for place, log in logs.items()
    }


def assert_same(root, other):
    found, expected = bits(root), bits(other)
    assert found.keys() == expected.keys()
    for place, (series, scalars, arrays) in found.items():
        assert [series, scalars] == expected[place][:2]
        assert all(np.array_equal(array, expected[place][2][name]) for name, array in arrays.items())


def spoiled(root, point):
    """Put a run of another study where a point's runs go."""
    (root / point.name / "foreign").mkdir(parents=True)
    write_manifest(root / point.name / "foreign", Manifest("foreign", ()))


def test_a_point_is_a_study_in_a_folder_of_its_own(inline):
    assert {path.name for path in inline.iterdir()} == {"LOCK", "sweep.csv", *(point.name for point in SWEEP.points)}
    for point in SWEEP.points:
        recipes = [log.manifest.recipe for log in open_logs(inline / point.name)]
        assert [(recipe["network"]["q"], recipe["seed"]) for recipe in recipes] == [
            (point.values["network.q"], point.recipe.seed)
        ] * 2


def test_the_table_has_a_row_a_point(inline):
    found = [(row["network.q"], row["seed"], row["status"], row["path"], row["error"]) for row in rows(inline)]
    names = [point.name for point in SWEEP.points]
    values = [("3", "0"), ("3", "1"), ("4", "0"), ("4", "1")]
    assert found == [(*value, "finished", name, "") for value, name in zip(values, names, strict=True)]
    assert all(float(row["seconds"]) > 0 and row["diverged"] == "0" for row in rows(inline))


def test_weights_go_and_a_thin_log_stays(inline):
    assert not list(inline.rglob("weights.safetensors"))
    assert [open_log(path.parent).steps.tolist() for path in inline.rglob("run.json")] == [[0, 6]] * 8


def test_spawned_workers_record_the_same_bits(inline, tmp_path):
    record_sweep(SWEEP, tmp_path / "spawned", engine=lambda: Spawned(2), workers=2, threads=1)
    assert_same(tmp_path / "spawned", inline)


def test_a_factory_of_executors_records_the_same_bits(inline, tmp_path, monkeypatch):
    (tmp_path / "my_pool.py").write_text(FACTORY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    record_sweep(SWEEP, "factory", engine=engine("my_pool:pool"), threads=1)
    assert_same(tmp_path / "factory", inline)


def test_dask_workers_record_the_same_bits(inline, tmp_path, cluster):
    record_sweep(SWEEP, tmp_path / "dask", engine=engine(f"dask:{cluster.scheduler_address}"), threads=1)
    assert_same(tmp_path / "dask", inline)


def test_a_finished_point_is_skipped(inline, tmp_path):
    root = shutil.copytree(inline, tmp_path / "again")
    times = {path: path.stat().st_mtime_ns for path in root.rglob("*.*") if path.name != "sweep.csv"}
    ended = []
    record_sweep(SWEEP, root, told=lambda *what: ended.append(what))
    assert (ended, rows(root)) == ([], rows(inline))
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_a_failed_point_is_a_row_with_its_traceback_and_stops_no_other(tmp_path):
    spoiled(tmp_path, SWEEP.points[1])
    outcomes = record_sweep(SWEEP, tmp_path)
    assert [outcome.status for outcome in outcomes] == ["finished", "failed", "finished", "finished"]
    line = "probes.errors.RunError: expected runs of this study in"
    assert rows(tmp_path)[1]["error"].startswith(line)
    written = (tmp_path / SWEEP.points[1].name / "error.txt").read_text()
    assert written.startswith("Traceback (most recent call last):")
    assert line in written


def test_a_sweep_is_recorded_by_one_process_at_a_time(inline):
    before = rows(inline)
    lock = RunLock(inline)
    line = f"expected no other writer of `{inline}`, got process {os.getpid()} on {socket.gethostname()}; "
    with pytest.raises(RunError, match=re.escape(line)):
        record_sweep(SWEEP, inline)
    lock.release()
    assert (record_sweep(SWEEP, inline), rows(inline)) == ([finished(inline / row["path"]) for row in before], before)


def test_what_failed_is_tried_again(tmp_path):
    spoiled(tmp_path, SWEEP.points[1])
    record_sweep(SWEEP, tmp_path)
    shutil.rmtree(tmp_path / SWEEP.points[1].name / "foreign")
    ended = []
    record_sweep(SWEEP, tmp_path, told=lambda point, outcome, left: ended.append((point, outcome.status, left)))
    assert ended == [(SWEEP.points[1], "finished", 0)]
    assert not (tmp_path / SWEEP.points[1].name / "error.txt").exists()


def test_an_interrupted_sweep_goes_on(inline, tmp_path):
    def interrupt(point, outcome, left):
        if left == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record_sweep(SWEEP, tmp_path, told=interrupt)
    assert [row["status"] for row in rows(tmp_path)] == ["finished", "finished", "waiting", "waiting"]
    assert waiting_points(SWEEP, tmp_path) == list(SWEEP.points[2:])
    record_sweep(SWEEP, tmp_path, threads=1)
    assert_same(tmp_path, inline)


def test_a_point_that_ends_its_process_is_found_among_the_others(tmp_path):
    class Breaking(Inline):
        def submit(self, fn, /, *args, **kwargs):
            if SWEEP.points[1].name in args[0].folder:
                raise BrokenExecutor("a process ended")
            return super().submit(fn, *args, **kwargs)

    outcomes = record_sweep(SWEEP, tmp_path, engine=Breaking, workers=2)
    assert [outcome.status for outcome in outcomes] == ["finished", "failed", "finished", "finished"]
    assert outcomes[1].error == "concurrent.futures._base.BrokenExecutor: a process ended"


def test_what_was_finished_when_an_executor_broke_is_recorded_once(tmp_path):
    class Breaking(Executor):
        """All futures are done when the last is submitted, and the first one is not sound."""

        def __init__(self):
            self.calls = []

        def submit(self, fn, /, *args, **kwargs):
            self.calls.append((Future(), fn, args))
            if len(self.calls) == len(SWEEP.points):
                (broken, *_), *sound = self.calls
                for future, call, words in sound:
                    recorded.append(Path(words[0].folder).name)
                    future.set_result(call(*words))
                broken.set_exception(BrokenExecutor("a process ended"))
            return self.calls[-1][0]

    recorded, engines = [], iter([Breaking(), Inline()])
    outcomes = record_sweep(SWEEP, tmp_path, engine=engines.__next__, workers=2)
    assert recorded == [point.name for point in SWEEP.points[1:]]
    assert ([outcome.status for outcome in outcomes], list(engines)) == (["finished"] * 4, [])


def test_a_failure_is_told_by_its_own_line():
    noted = ValueError("expected a number")
    noted.add_note("while reading")
    with pytest.raises(SyntaxError) as error:
        compile("a b", "recipe.py", "exec")
    assert Outcome.of(noted).error == "ValueError: expected a number"
    assert Outcome.of(error.value).error == "SyntaxError: invalid syntax"


def test_a_folder_of_a_study_is_refused(tiny_root):
    line = f"expected a folder for a sweep at {tiny_root}, got a file or a study: name another with --out"
    with pytest.raises(RunError, match="expected a folder for a sweep") as error:
        record_sweep(SWEEP, tiny_root)
    assert str(error.value) == line


def test_points_of_the_own_class_block_hold_the_same_values_in_fewer_bytes(inline, tmp_path):
    points = points_of(SMALL, [{"network.q": 3}, {"network.q": 4}], [0, 1], own_class=True)
    own = replace(SWEEP, points=points, own_class=True)
    assert {outcome.status for outcome in record_sweep(own, tmp_path)} == {"finished"}
    for point, full in zip(points, SWEEP.points, strict=True):
        for log in open_logs(tmp_path / point.name):
            block = np.asarray(log["correlations"])
            whole = np.asarray(open_logs(inline / full.name)[log.manifest.run_id]["correlations"])
            for i in range(block.shape[1]):
                np.testing.assert_allclose(block[:, i], whole[:, i, :, i], rtol=1e-5, atol=1e-7)
        assert estimate(point.recipe, own_class=True).raw < estimate(point.recipe).raw


def test_an_estimate_counts_the_values_of_the_own_class_block(tmp_path):
    record_study(SMALL, tmp_path, own_class=True)
    expected = sum(log[name][:].nbytes for log in open_logs(tmp_path) for name in log.series)
    assert estimate(SMALL, own_class=True).raw == expected
