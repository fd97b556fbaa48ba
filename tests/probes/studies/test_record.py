import errno
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from probes.errors import LogError, RunError
from probes.learners.objectives import CrossEntropy
from probes.learners.streams import seed_of
from probes.learners.training import train
from probes.log import open_log, open_logs
from probes.log.manifest import read_manifest, write_manifest
from probes.schedules import every
from probes.studies import evaluate_run, record_study
from probes.studies.recipe_files import built_in, override
from probes.studies.theory.material import Material, load_networks

TINY = built_in("tiny")
FEW = override(TINY, {"runs.distilled": "0", "runs.self_distilled": "0", "runs.average": "0", "training.steps": "12"})


def by_loops(weights: torch.Tensor, features: torch.Tensor) -> np.ndarray:
    classes, neurons, _ = weights.shape
    found = np.zeros((classes, neurons, *features.shape[:2]), dtype=np.float32)
    for index in np.ndindex(*found.shape):
        i, r, j, view = index
        found[index] = torch.dot(weights[i, r], features[j, view])
    return found


def test_every_step_of_every_run_is_recorded(tiny_root):
    for log in open_logs(tiny_root):
        steps = {"continued": 60}.get(log.manifest.variant, 150)
        assert log.steps.tolist() == list(range(steps + 1))
        assert (log.status, log.faults) == ("finished", ())
        scalars = log.scalars()
        assert scalars.index.tolist() == list(range(steps + 1))
        assert not scalars[["loss", "train_error"]].isna().any().any()
        measured = scalars["single_view_error"].dropna().index.tolist()
        assert measured == sorted({*range(0, steps + 1, 25), steps})


@pytest.mark.parametrize("form", ["private", "gaussian"])
def test_the_log_holds_the_products_of_the_weights_that_training_alone_gives(tmp_path, form):
    recipe = override(FEW, {"noise.form": form, "noise.dim": "40"})
    root, material = record_study(recipe, tmp_path / "runs"), Material(recipe)
    log = open_logs(root)[1]
    networks = material.initialise([(log.manifest.seeds["init-00"],)])
    trained, _ = train(networks, material.training_inputs, CrossEntropy(), steps=12, learning_rate=40.0)
    for row, expected in ((0, networks), (12, trained)):
        products = by_loops(expected.by_neuron[0], material.features)
        assert np.allclose(log["correlations"][row : row + 1][0], products, rtol=1e-4, atol=1e-6)


def test_a_manifest_tells_role_parents_seeds_and_recipe(tiny_root):
    logs = open_logs(tiny_root)
    singles = {log.manifest.run_id for log in logs.by_role("single")}
    student, average = logs.by_role("distilled", "literal")[1].manifest, logs.by_role("average")[0].manifest
    assert set(student.parents) == singles
    assert student.seeds == {"study": 0, "init-00": seed_of("distilled", 0, 1)}
    assert average.seeds == {"study": 0} | {f"init-0{i}": seed_of("single", 0, i) for i in range(3)}
    assert student.recipe["data"]["sparsity"] == 2.0
    assert len({log.manifest.study for log in logs}) == 1


def test_a_thinner_schedule_keeps_the_first_and_the_last_step(tmp_path):
    logs = open_logs(record_study(FEW, tmp_path, schedule=every(5)))

    assert {tuple(log.steps.tolist()) for log in logs} == {(0, 5, 10, 12)}
    assert {log.manifest.schedule for log in logs} == {"every(5) | at(12)"}


def test_kept_weights_end_the_log(tiny_root):
    log = open_logs(tiny_root).by_role("single")[0]
    networks = load_networks(Material(TINY), [log.path], [(log.manifest.seeds["init-00"],)])
    assert np.array_equal(by_loops(networks.by_neuron[0], Material(TINY).features), log["correlations"][-1:][0])


def test_the_same_recipe_gives_the_same_bits(tmp_path):
    first, second = (open_logs(record_study(FEW, tmp_path / name)) for name in "ab")
    for one, other in zip(first, second, strict=True):
        assert one.manifest.run_id == other.manifest.run_id
        assert np.array_equal(one["correlations"][:], other["correlations"][:])
        assert all(
            np.array_equal(one.evaluation.arrays[name], array) for name, array in other.evaluation.arrays.items()
        )


def test_a_run_measured_again_gives_what_was_stored(tiny_root, tmp_path):
    for log in open_logs(tiny_root)[::4]:
        copy = tmp_path / log.manifest.run_id
        shutil.copytree(log.path, copy)
        (copy / "evaluation.h5").unlink()
        assert evaluate_run(copy).evaluation.attrs == log.evaluation.attrs
        again = open_log(copy).evaluation.arrays
        assert all(np.allclose(again[name], array, atol=1e-5) for name, array in log.evaluation.arrays.items())


def test_a_finished_study_is_skipped_and_a_missing_run_is_made_up(tmp_path):
    root = record_study(FEW, tmp_path / "runs")
    logs = open_logs(root)
    expected, stamps = logs[1]["correlations"][:], [log.manifest.created for log in logs]
    shutil.rmtree(logs[1].path)
    again = open_logs(record_study(FEW, root))
    assert np.allclose(again[1]["correlations"][:], expected, rtol=1e-5, atol=1e-7)
    assert [again[index].manifest.created for index in (0, 2)] == [stamps[0], stamps[2]]


def test_other_runs_in_the_folder_are_refused_unless_forced(tmp_path):
    root = record_study(FEW, tmp_path / "runs")
    other = override(FEW, {"seed": "1"})
    message = (
        rf"^expected runs of this study in {root}, got others \(single-00-\w+, 3 in all\): name another folder with "
    )
    with pytest.raises(RunError, match=message + "--out, or keep both with --force$"):
        record_study(other, root)
    assert len(open_logs(record_study(other, root, force=True))) == 6


def test_a_file_or_a_run_is_no_folder_for_runs_even_when_forced(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"^expected a folder for runs at .*file, got a file: name another with --out$"):
        record_study(FEW, tmp_path / "file", force=True)
    run = open_logs(record_study(FEW, tmp_path / "runs"))[0].path
    with pytest.raises(RunError, match=r"^expected a folder for runs at .*, got a run: name another with --out$"):
        record_study(FEW, run)
    (tmp_path / "sweep.csv").touch()
    with pytest.raises(
        RunError, match=r"^expected a folder for runs at .*, got a sweep or a study over seeds: name an"
    ):
        record_study(FEW, tmp_path)


@pytest.fixture(scope="module")
def explosive_logs(tmp_path_factory):
    """A study whose first single model explodes at its first step, while the others survive theirs."""
    rates = {"seed": "2", "training.learning_rate": "3e38", "network.init_scale": "1.0", "training.steps": "5"}
    recipe = override(TINY, {**rates, "runs.average": "0", "distilled.steps": "5", "continued.steps": "5"})
    return open_logs(record_study(recipe, tmp_path_factory.mktemp("explosive")))


def test_a_run_that_diverges_keeps_its_log_and_the_others_go_on(explosive_logs):
    first, *others = explosive_logs.by_role("single")
    assert (first.status, first.manifest.reason) == ("diverged", "the loss is no longer finite at step 1")
    assert first.steps.tolist() == [0]
    assert np.isfinite(first["correlations"][:]).all()
    assert [(log.status, log.steps.tolist()) for log in others] == [("finished", list(range(6)))] * 2


def test_nothing_learns_from_a_run_that_diverged(explosive_logs):
    survivors = tuple(log.manifest.run_id for log in explosive_logs.by_role("single")[1:])
    students = [log.manifest for log in explosive_logs if log.manifest.parents]
    assert {student.parents for student in students if student.role == "distilled"} == {survivors}
    taught = [student for student in students if student.role == "self_distilled"]
    assert len(taught) == 2
    assert all({*student.parents, student.continues} <= {*survivors, ""} for student in taught)


class Impatient:
    """A watcher that presses Ctrl-C at step 7."""

    def begin(self, phase, runs):
        pass

    def advance(self, step):
        if step == 7:
            raise KeyboardInterrupt

    def end(self, note):
        pass


def test_ctrl_c_leaves_logs_complete_up_to_the_last_step(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        record_study(FEW, tmp_path / "runs", watcher=Impatient())
    for log in open_logs(tmp_path / "runs"):
        assert (log.steps.tolist(), log.status) == (list(range(8)), "interrupted")


def test_a_full_disk_is_one_line_and_the_logs_are_whole(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("probes.studies.theory.material.write_whole", full)
    message = rf"^expected room for weights and measurements in {tmp_path}, got No space left on device: the runs are "
    with pytest.raises(LogError, match=message + "not finished; free space there and record again$"):
        record_study(FEW, tmp_path)
    for log in open_logs(tmp_path):
        assert (log.steps.tolist(), log.status) == (list(range(13)), "failed")


def test_a_run_without_a_recipe_cannot_be_measured(tmp_path):
    run = open_logs(record_study(FEW, tmp_path / "runs"))[0].path
    write_manifest(run, replace(read_manifest(run), recipe={}))
    with pytest.raises(
        LogError,
        match=r"^expected a run of a built-in study at .*, got one without a recipe: only "
        r"`probes record RECIPE` keeps what is needed to measure again$",
    ):
        evaluate_run(run)


def test_a_run_without_weights_cannot_be_measured(tmp_path):
    run = open_logs(record_study(FEW, tmp_path / "runs"))[0].path
    (run / "weights.safetensors").unlink()
    with pytest.raises(
        LogError,
        match=r"^expected kept weights at .*weights.safetensors, got FileNotFoundError: record "
        r"the run again$",
    ):
        evaluate_run(run)
