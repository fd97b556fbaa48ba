import numpy as np
import pandas as pd
import pytest
from tests.probes.log.runs import DIMS, FORMS, SERIES, SHAPE, STEPS, arrays, closed, fill, journalled, manifest, scalars

from probes.errors import LogError, RunError
from probes.log import Manifest, open_log, open_logs
from probes.log.hdf5.segments import segments_shown
from probes.log.writing import RunWriter, write_manifest

INDICES = [
    slice(None),
    slice(10, 40),
    slice(-5, None),
    slice(None, None, 7),
    slice(None, None, -1),
    slice(3, 3),
    0,
    -1,
    np.int64(17),
    [3, 1, 49, 3],
    np.arange(50) % 3 == 0,
    (slice(None), 1),
    (slice(5, 45, 10), slice(None), -1),
    (slice(None), 1, 2, 0, 1),
    (12, 0, slice(1, None)),
    ([4, 40], slice(None), 1),
    ([4, 40], [0, 1]),
    (slice(None), [1, 0], slice(None, None, -1)),
    (Ellipsis, 0),
    (slice(None), Ellipsis, 1),
    (slice(None), None, 1),
]


@pytest.fixture(scope="module", params=FORMS)
def log(request, tmp_path_factory):
    """The same run in every form."""
    log = FORMS[request.param](tmp_path_factory.mktemp("root") / "seed-0")
    yield log
    if hasattr(log, "writer"):
        log.writer.close()


def test_steps_are_those_recorded(log):
    assert log.steps.tolist() == STEPS.tolist()
    assert log.steps.dtype == np.int64


def test_series_are_described(log):
    assert log.series == {one.name: one for one in SERIES}
    view = log["correlations"]
    assert (view.dims, view.shape, view.dtype, len(view)) == (("step", *DIMS), (50, *SHAPE), np.float32, 50)


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_an_index_gives_what_numpy_gives(log, index):
    got, expected = log["correlations"][index], arrays()["correlations"][index]

    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("name", arrays())
def test_all_values_are_there(log, name):
    np.testing.assert_array_equal(np.asarray(log[name]), arrays()[name])


def test_a_row_that_is_not_there_is_an_index_error(log):
    with pytest.raises(IndexError, match="out of range"):
        log["correlations"][50]


def test_values_may_be_changed_without_changing_the_log(log):
    log["count"][:][:] = 7
    log["correlations"][3][:] = 7

    np.testing.assert_array_equal(log["count"][:], arrays()["count"])
    np.testing.assert_array_equal(log["correlations"][3], arrays()["correlations"][3])


def test_blocks_are_the_rows_in_order(log):
    blocks = list(log["correlations"].blocks(rows=8))

    assert [len(values) for _, values in blocks] == [8, 8, 8, 8, 8, 8, 2]
    np.testing.assert_array_equal(np.concatenate([steps for steps, _ in blocks]), STEPS)
    np.testing.assert_array_equal(np.concatenate([values for _, values in blocks]), arrays()["correlations"])


def test_iterating_gives_row_after_row(log):
    assert [int(row) for row in log["count"]] == [step**2 for step in STEPS]


def test_scalars_are_a_frame_with_nan_where_nothing_was_logged(log):
    frame = log.scalars()

    expected = pd.DataFrame.from_dict(scalars(), orient="index")[["error", "train/loss"]].rename_axis("step")
    pd.testing.assert_frame_equal(frame, expected)
    assert frame.index.dtype == np.int64


def test_there_are_no_faults_and_no_evaluation(log):
    assert log.faults == ()
    assert log.evaluation is None


def test_an_unknown_series_is_refused(log):
    with pytest.raises(LogError) as error:
        log["weights"]

    names = "correlations, conv/weight, count"
    assert str(error.value) == f"expected a series of `{log.path}`, one of {names}; got `weights`"


def test_directions_that_were_not_recorded_are_an_error(log):
    with pytest.raises(LogError, match="got a run that was recorded without them"):
        log.directions()


def test_it_becomes_an_xarray_dataset(log):
    pytest.importorskip("xarray")
    dataset = log.to_xarray()

    assert dataset["correlations"].dims == ("step", "class", "correlations.neuron", "feature_class", "view")
    assert dataset["conv/weight"].attrs == {"units": "nats"}
    expected = arrays()["correlations"][STEPS.tolist().index(10), :, :, :, 0]
    np.testing.assert_array_equal(dataset["correlations"].sel(step=10, view="left"), expected)


def test_it_shows_itself(log):
    assert "50 rows, steps 0 to 125, correlations (step, class, neuron, feature_class, view), " in repr(log)
    assert "<tr><th>rows</th><td>50 rows, steps 0 to 125</td></tr>" in log._repr_html_()


def test_a_run_without_rows_is_read(tmp_path):
    with RunWriter(tmp_path / "seed-0", manifest()) as writer:
        writer.log(3, {"loss": 0.5})
    log = open_log(tmp_path / "seed-0")

    assert log["correlations"][:].shape == (0, *SHAPE)
    assert log.scalars().to_dict() == {"loss": {3: 0.5}}


def test_a_run_without_anything_is_read(tmp_path):
    RunWriter(tmp_path / "seed-0", Manifest("seed-0", ())).close()
    log = open_log(tmp_path / "seed-0")

    assert (log.steps.tolist(), log.series, len(log.scalars()), log.scalars().index.name) == ([], {}, 0, "step")
    assert repr(log) == "Log(seed-0: finished, 0 rows, no series)"


def test_refresh_shows_what_came_since(tmp_path):
    log = journalled(tmp_path / "seed-0")
    assert (len(log.steps), log.status, log.manifest.reason) == (50, "recording", "")
    log.writer.append(1000, {name: values[0] for name, values in arrays().items()})
    log.writer.close(status="diverged", reason="the loss is not finite")

    assert (len(log.steps), log.status, log.manifest.reason) == (50, "recording", "")
    assert (len(log.refresh().steps), log.status, log.manifest.reason) == (51, "diverged", "the loss is not finite")


def test_an_open_log_outlives_the_sealing_of_its_journal(tmp_path):
    log = journalled(tmp_path / "seed-0")
    view = log["count"]
    assert len(view) == 50
    log.writer.close()

    np.testing.assert_array_equal(view[:], arrays()["count"])


def test_an_open_log_outlives_the_packing_of_its_segments(tmp_path):
    writer = RunWriter(tmp_path / "seed-0", manifest(), block_bytes=2000)
    fill(writer)
    writer.flush()
    view = open_log(tmp_path / "seed-0")["correlations"]
    assert len(view) == 50
    writer.close()

    assert not list(tmp_path.glob("seed-0/seg-*"))
    np.testing.assert_array_equal(view[:], arrays()["correlations"])


def test_a_run_that_is_packed_while_it_is_looked_for_is_found(tmp_path, monkeypatch):
    """The writer closes between the look for log.h5 and that for segments: there is neither, then."""
    writer = RunWriter(tmp_path / "seed-0", manifest())
    fill(writer)
    log = open_log(writer.path)
    looks = []

    def shown(path):
        looks.append(path)
        if len(looks) > 1:
            return segments_shown(path)
        writer.close()
        raise FileNotFoundError

    monkeypatch.setattr("probes.log.folder.segments_shown", shown)
    assert log.steps.tolist() == STEPS.tolist()
    assert not log.faults


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunError) as error:
        open_log(tmp_path)

    assert str(error.value) == f"expected a run at `{tmp_path}`, got no run.json in it; name a recorded run"


def test_logs_are_found_at_any_depth_and_sorted_by_run_id(tmp_path):
    for folder, run_id in (("b", "seed-1"), ("a/c", "seed-2"), ("z", "seed-0")):
        closed(tmp_path / folder).path.joinpath("log.h5").unlink()
        write_manifest(tmp_path / folder, manifest(run_id))
    logs = open_logs(tmp_path)

    assert [log.manifest.run_id for log in logs] == ["seed-0", "seed-1", "seed-2"]
    assert logs["seed-2"].path == tmp_path / "a/c"
    assert [log.manifest.run_id for log in logs[1:]] == ["seed-1", "seed-2"]
    assert repr(logs) == f"Logs({tmp_path}: 3 runs)"


def test_a_run_is_a_root_of_one(tmp_path):
    write_manifest(tmp_path, manifest())

    assert [log.path for log in open_logs(tmp_path)] == [tmp_path]


def test_links_out_of_the_root_are_not_followed(tmp_path):
    for folder in ("elsewhere", "root/seed-0"):
        (tmp_path / folder).mkdir(parents=True)
        write_manifest(tmp_path / folder, manifest(folder.replace("/", "-")))
    (tmp_path / "root/link").symlink_to(tmp_path / "elsewhere")

    assert [log.manifest.run_id for log in open_logs(tmp_path / "root")] == ["root-seed-0"]


def test_runs_are_chosen_by_role_and_variant(tmp_path):
    for number, (role, variant) in enumerate([("single", ""), ("distilled", "stopped"), ("distilled", "literal")]):
        (tmp_path / f"{number}").mkdir()
        write_manifest(tmp_path / f"{number}", manifest(f"{number}", role=role, variant=variant))
    logs = open_logs(tmp_path)

    assert [log.manifest.run_id for log in logs.by_role("distilled")] == ["1", "2"]
    assert [log.manifest.run_id for log in logs.by_role("distilled", "literal")] == ["2"]
    assert logs.by_role("single", "").root == tmp_path


def test_an_unknown_run_is_refused(tmp_path):
    write_manifest(tmp_path, manifest())
    with pytest.raises(RunError) as error:
        open_logs(tmp_path)["seed-1"]

    assert str(error.value) == f"expected a run under `{tmp_path}`, one of seed-0; got `seed-1`"


def test_a_root_without_runs_is_refused(tmp_path):
    with pytest.raises(RunError) as error:
        open_logs(tmp_path)

    assert (
        str(error.value) == f"expected runs under `{tmp_path}`, got no run.json in or below it; name another directory"
    )


def test_steps_that_fall_are_refused(tmp_path):
    log = FORMS["segmented"](tmp_path / "seed-0")
    first, second = sorted(log.path.glob("seg-*"))[:2]
    first.write_bytes(second.read_bytes())
    with pytest.raises(LogError) as error:
        np.asarray(log.refresh().steps)

    assert str(error.value) == f"expected rising steps in `{log.path}`, got 12 after 23; copy the run anew"
