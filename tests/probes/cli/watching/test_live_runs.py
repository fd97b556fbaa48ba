"""Runs that come, grow, end and go between two looks."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from probes.cli.watching import live_runs, run_state
from probes.cli.watching.live_runs import LiveRuns, View, planned_runs
from probes.cli.watching.run_state import RunState, Watched, total_steps
from probes.errors import RunError
from probes.log import Manifest, Series, open_logs
from probes.log.manifest import write_manifest
from probes.log.writing import RunWriter
from probes.studies.recipe_files import built_in, names
from probes.studies.tables import as_mapping
from probes.studies.theory.plan import plan

SERIES = Series("correlations", ("class", "neuron", "feature_class", "view"), (2, 3, 2, 2))
ROW = np.ones(SERIES.shape, "f4")
RECIPE = {"training": {"steps": 90}}


def begun(root, name="single-00", **options):
    return RunWriter(root / name, Manifest(name, (SERIES,), role="single", recipe=RECIPE), **options)


def fill(writer, steps):
    for step in steps:
        writer.append(step, {"correlations": (1 + step) * ROW})
        writer.log(step, {"loss": 1 / (1 + step), "train_error": 0.5})
    writer.flush()


def only(view):
    (state,) = view.states
    return state


def test_a_look_shows_the_last_row(tmp_path):
    with begun(tmp_path) as writer:
        fill(writer, range(8))
        seen = only(LiveRuns(tmp_path).look())
        assert (seen.status, seen.step, seen.total, seen.loss, seen.train_error) == ("recording", 7, 90, 1 / 8, 0.5)
        assert seen.race.values.tolist() == [[24, 24], [24, 24]]  # 3 neurons of 8


def test_a_lead_counts_as_won_only_when_the_run_has_ended_or_it_is_ten_times_chance(tmp_path):
    row = np.full(SERIES.shape, 0.01, "f4")
    row[[0, 1], :, [0, 1], 0] = 0.09  # each class's own view 0, nine times the null
    writer, live = begun(tmp_path), LiveRuns(tmp_path)
    for step, growth in enumerate([1.0, 1.1, 1.2]):
        writer.append(step, {"correlations": growth * row})
        writer.flush()
        assert only(live.look()).race.won == (2 if growth == 1.2 else 0)
    writer.close()
    assert only(live.look()).race.won == 2


def test_a_run_that_grows_is_seen_to_grow(tmp_path):
    with begun(tmp_path) as writer:
        fill(writer, range(2))
        live = LiveRuns(tmp_path)
        assert only(live.look()).step == 1
        fill(writer, range(2, 40))
        assert only(live.look()).step == 39


def test_a_segment_may_be_sealed_between_two_looks(tmp_path):
    with begun(tmp_path, block_bytes=8 * (8 + SERIES.row_bytes)) as writer:
        fill(writer, range(4))
        live = LiveRuns(tmp_path)
        live.look()
        fill(writer, range(4, 30))
        assert only(live.look()).step == 29


@pytest.mark.parametrize("pack_bytes", [2**26, 0])
def test_a_run_may_end_between_two_looks(tmp_path, pack_bytes):
    writer = begun(tmp_path, block_bytes=8 * (8 + SERIES.row_bytes), pack_bytes=pack_bytes)
    fill(writer, range(20))
    live = LiveRuns(tmp_path)
    live.look()
    fill(writer, range(20, 25))
    writer.close("diverged", "the loss is no longer finite at step 25")
    seen = only(live.look())
    assert (seen.status, seen.step, seen.reason) == ("diverged", 24, "the loss is no longer finite at step 25")


def test_runs_may_come_and_go(tmp_path):
    with begun(tmp_path) as writer:
        fill(writer, range(2))
        live = LiveRuns(tmp_path)
        live.look()
        begun(tmp_path, "single-01").close()
        assert [seen.run for seen in live.look().states] == ["single-00", "single-01"]
        shutil.rmtree(tmp_path / "single-01")
        assert only(live.look()).run == "single-00"


def test_all_runs_may_go(tmp_path):
    begun(tmp_path).close()
    live = LiveRuns(tmp_path)
    live.look()
    shutil.rmtree(tmp_path / "single-00")
    assert live.over(live.look())


def test_a_run_may_be_overwritten(tmp_path):
    with begun(tmp_path) as writer:
        fill(writer, range(50))
    live = LiveRuns(tmp_path)
    live.look()
    with begun(tmp_path, overwrite=True) as writer:
        fill(writer, range(3))
        assert (only(live.look()).status, only(live.look()).step) == ("recording", 2)


def test_a_torn_tail_is_left_out(tmp_path):
    with begun(tmp_path) as writer:
        fill(writer, range(5))
        with (tmp_path / "single-00" / "seg-000000.wal").open("ab") as journal:
            journal.write(b"rows\x05\x00")
        assert (only(LiveRuns(tmp_path).look()).step, only(LiveRuns(tmp_path).look()).reason) == (4, "")


def test_a_run_whose_writer_is_gone_is_no_longer_live(tmp_path):
    (tmp_path / "a").mkdir()
    write_manifest(tmp_path / "a", Manifest("a", (SERIES,)))
    live = LiveRuns(tmp_path)
    view = live.look()
    assert (only(view).status, view.live, live.over(view)) == ("stopped", False, True)


def test_a_run_that_has_ended_is_read_once(tmp_path, monkeypatch):
    begun(tmp_path).close()
    live = LiveRuns(tmp_path)
    before = only(live.look())
    monkeypatch.setattr(Watched, "_read", None)
    assert only(live.look()) is before


def test_looking_writes_nothing(tmp_path):
    with begun(tmp_path) as writer:
        fill(writer, range(5))
        before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tmp_path.rglob("*.*")}
        LiveRuns(tmp_path).look()
        assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tmp_path.rglob("*.*")} == before


def test_where_time_is_short_one_run_is_read_and_the_others_take_turns(tmp_path):
    writers = [begun(tmp_path, f"single-{number:02d}") for number in range(3)]
    for writer in writers:
        fill(writer, range(4))
    live = LiveRuns(tmp_path)
    read = [[seen.run for seen in live.look(0).states if seen.read] for _ in range(3)]
    assert list(map(len, read)) == [1, 2, 3]
    writers[0].close()
    assert live.look(0).counts == {"finished": 1, "recording": 2}
    for writer in writers:
        writer.close()


def test_a_damaged_run_is_named_and_the_others_are_shown(tmp_path):
    begun(tmp_path).close()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "run.json").write_text("{")
    view = LiveRuns(tmp_path).look()
    assert only(view).run == "single-00"
    assert view.refused[0].startswith(f"refused `{tmp_path / 'other' / 'run.json'}`: expected a run's description")


def test_damage_is_told_once_it_stays(tmp_path):
    begun(tmp_path).close()
    (tmp_path / "single-00" / "log.h5").write_bytes(b"no HDF5")
    live = LiveRuns(tmp_path)
    assert only(live.look()).reason == ""
    assert "expected an intact HDF5 file of a run" in only(live.look()).reason


def test_a_reason_moves_no_cursor(tmp_path):
    begun(tmp_path).close("failed", "\x1b[2Jgone")
    assert only(LiveRuns(tmp_path).look()).reason == r"\x1b[2Jgone"


def test_a_folder_without_runs_is_refused(tmp_path):
    text = f"expected runs under `{tmp_path}`, got no run.json in or below it; name another directory"
    with pytest.raises(RunError, match="expected runs under") as refused:
        LiveRuns(tmp_path)
    assert str(refused.value) == text


def test_the_rate_is_that_of_the_last_looks(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(run_state, "time", SimpleNamespace(monotonic=lambda: now[0]))
    with begun(tmp_path) as writer:
        run = Watched(tmp_path / "single-00")
        for looks in range(3):
            fill(writer, range(20 * looks, 20 * looks + 20))
            now[0] = 2.0 * looks
            seen = run.look()
    assert (seen.rate, seen.left) == (10, (90 - 59) / 10)


def test_the_rate_of_a_run_that_has_ended_is_that_of_the_whole(tiny_root):
    for log, seen in zip(open_logs(tiny_root), LiveRuns(tiny_root).look().states, strict=True):
        assert seen.rate == log.steps[-1] / log.manifest.wall_seconds
        assert (seen.step, seen.left) == (seen.total, None)


@pytest.mark.parametrize("name", names())
def test_totals_are_those_of_the_plan(name):
    recipe = as_mapping(built_in(name))
    for phase in plan(built_in(name)):
        for run in phase.runs:
            manifest = Manifest(run.run_id, (), role=run.role, variant=run.variant, recipe=recipe)
            assert total_steps(manifest) == phase.steps


@pytest.mark.parametrize(
    ("recipe", "total"), [({}, None), ({"steps": 7}, 7), ({"steps": "many"}, None), ({"training": 3}, None)]
)
def test_a_total_that_no_recipe_tells_is_unknown(recipe, total):
    assert total_steps(Manifest("a", (), recipe=recipe)) == total


@pytest.mark.parametrize("name", names())
def test_runs_to_come_are_those_of_the_plan(name):
    recipe, phases = built_in(name), plan(built_in(name))
    manifest = Manifest("a", (), study="1a2b", recipe=as_mapping(recipe))
    assert planned_runs(manifest).total() == sum(len(phase.runs) for phase in phases)


def test_between_two_phases_the_next_is_waited_for(tiny_root, tmp_path, monkeypatch):
    for folder in sorted(tiny_root.glob("single-*")):
        shutil.copytree(folder, tmp_path / folder.name)
    live = LiveRuns(tmp_path)
    assert (live.look().to_come, live.over(live.look())) == (9, True)
    live._recorded = live_runs.time.monotonic()
    assert not live.over(View(tmp_path, (), to_come=9))
    monkeypatch.setattr(live_runs, "_PATIENCE", 0.0)
    assert live.over(View(tmp_path, (), to_come=9))


def test_a_single_run_waits_for_no_other(tiny_root):
    run = next(tiny_root.glob("single-*"))
    assert LiveRuns(run).look().to_come == 0


@pytest.mark.parametrize("rate", [None, 0.0])
def test_without_a_rate_the_time_left_is_unknown(rate):
    assert RunState("a", "recording", step=3, total=9, rate=rate).left is None
