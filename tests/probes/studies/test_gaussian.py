import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from probes.errors import LogError, RunError
from probes.learners.layered import Layered
from probes.learners.minibatches import Minibatches, train_students
from probes.learners.recipe_files import as_mapping
from probes.learners.streams import seed_of
from probes.log import open_log, open_logs
from probes.schedules import every
from probes.studies import evaluate_run, plan, record_study
from probes.studies.estimate import estimate
from probes.studies.gaussian_material import GaussianMaterial
from probes.studies.pace import phase_seconds
from tests.probes.studies.gaussians import SMALL


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The small study, recorded once; tests only read it."""
    return record_study(SMALL, tmp_path_factory.mktemp("gaussian") / "runs")


def test_every_step_of_every_run_is_recorded(root):
    logs = open_logs(root)
    assert [log.manifest.role for log in logs] == ["average"] * 2 + ["single"] * 4
    for log in logs:
        assert (log.steps.tolist(), log.status, log.faults) == (list(range(7)), "finished", ())
        scalars = log.scalars()
        assert not scalars[["loss", "train_error"]].isna().any().any()
        assert scalars["test_error"].dropna().index.tolist() == [0, 2, 4, 6]


def test_the_log_holds_what_training_alone_gives(root):
    material, log = GaussianMaterial(SMALL), open_logs(root).by_role("single")[1]
    seed = seed_of("single", 0, 1)
    start, data = material.initialise([(seed,)]), material.training
    trained, _ = train_students(start, data.inputs, data.labels, SMALL.training, seeds=[seed])
    for row, students in ((0, start), (6, trained)):
        weights, vectors = students.parameters["first.weight"][0, 0].numpy(), material.directions.vectors.numpy()
        products = [[float(np.dot(weight, vector)) for vector in vectors] for weight in weights]
        assert np.allclose(log["first.weight"][row : row + 1][0], products, atol=1e-5)
        assert np.allclose(log["first.weight.norm"][row : row + 1][0], np.linalg.norm(weights, axis=1), atol=1e-5)


def test_the_null_is_the_largest_cosine_with_random_directions(root):
    material, log = GaussianMaterial(SMALL), open_logs(root).by_role("single")[0]
    weights, null = (
        material.initialise([(seed_of("single", 0, 0),)]).first[0],
        material.directions.null(0).vectors.float(),
    )
    cosines = torch.nn.functional.cosine_similarity(weights[:, None], null[None], dim=-1)
    assert np.allclose(log["first.weight.null.cosine"][0:1][0], cosines.amax(0).numpy(), atol=1e-5)


def test_what_is_measured_is_the_output_of_the_kept_weights(root):
    for log in open_logs(root):
        before = dict(log.evaluation.arrays)
        assert set(before) == {"test/logits", "test/labels", "training/logits", "training/labels", "training/clean"}
        again = evaluate_run(log.path).arrays
        assert all(np.allclose(again[name], before[name], atol=1e-6) for name in before)


def test_training_labels_have_their_noise_and_test_labels_none(root):
    arrays, material = open_logs(root)[0].evaluation.arrays, GaussianMaterial(SMALL)
    assert (arrays["training/labels"] != arrays["training/clean"]).sum() == 4
    assert np.array_equal(arrays["test/labels"], material.teacher.outputs(material.test.inputs).argmax(-1))


def test_averages_start_where_single_networks_do(root):
    logs = open_logs(root)
    singles, average = logs.by_role("single"), logs.by_role("average")[1]
    starts = np.concatenate([single["first.weight"][0:1][0] for single in singles[2:]])
    assert np.array_equal(average["first.weight"][0:1][0], starts)


def test_finished_runs_are_skipped_and_half_finished_ones_begun_anew(root, tmp_path):
    again, run = tmp_path / "runs", plan(SMALL)[0].runs[2].run_id
    record_study(SMALL, again)
    kept = {log.manifest.run_id: log.manifest.created for log in open_logs(again)}
    (again / run / "run.json").unlink()
    record_study(SMALL, again)
    changed = [log.manifest.run_id for log in open_logs(again) if kept[log.manifest.run_id] != log.manifest.created]
    assert changed == [run]
    found, expected = (open_log(folder / run)["first.weight"][:] for folder in (again, root))
    assert np.allclose(found, expected, atol=1e-5)  # of one run alone, products are added up in another order


def test_a_folder_with_another_study_is_refused(root):
    first = min(path.name for path in root.iterdir())
    message = (
        f"expected runs of this study in {root}, got others ({first}, 6 in all): name another folder with --out, or "
        "keep both with --force"
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        record_study(replace(SMALL, seed=1), root)


def test_a_run_is_named_by_what_its_result_depends_on():
    more = plan(replace(SMALL, name="other", runs=replace(SMALL.runs, single=6)))
    assert more[0].runs[:4] == plan(SMALL)[0].runs
    assert not {*more[0].runs} & {*plan(replace(SMALL, network=Layered(width=5, depth=1)))[0].runs}


def test_runs_that_diverge_are_closed_and_told_apart(tmp_path):
    wild = Minibatches(samples=40, steps=30, batch_size=10, optimizer="sgd", learning_rate=1e6)
    root = record_study(replace(SMALL, training=wild), tmp_path / "runs")
    assert {log.status for log in open_logs(root)} == {"diverged"}
    assert open_logs(root)[0].manifest.reason.startswith("the loss is no longer finite at step ")


def test_only_steps_of_the_schedule_and_the_ends_are_recorded(tmp_path):
    root = record_study(SMALL, tmp_path / "runs", schedule=every(4))
    assert {tuple(log.steps.tolist()) for log in open_logs(root)} == {(0, 4, 6)}


SEEN = {
    ("linear", "fully_connected"): ("the teacher's first layer", (3, 8)),
    ("residual", "fully_connected"): ("the teacher's first layer", (5, 8)),
    ("convolutional", "convolutional"): ("the teacher's first layer", (5, 5)),
    ("convolutional", "fully_connected"): ("principal directions of the class means", (3, 8)),
    ("linear", "convolutional"): ("principal directions of the class means", (5, 5)),
}


@pytest.mark.parametrize("pair", SEEN, ids=" by ".join)
def test_directions_are_those_that_the_first_layer_can_see(pair):
    data, network = replace(SMALL.data, teacher=pair[0]), replace(SMALL.network, kind=pair[1])
    directions = GaussianMaterial(replace(SMALL, data=data, network=network)).directions
    assert (directions.facts["source"], tuple(directions.shape)) == SEEN[pair]
    assert torch.allclose(directions.vectors.norm(dim=-1), torch.ones(directions.shape[0]).to(directions.vectors))


def test_what_a_study_takes_is_foreseen(root):
    found = estimate(SMALL)
    assert [(phase.name, phase.runs, phase.rows) for phase in found.phases] == [("single", 4, 7), ("average", 2, 7)]
    for phase in found.phases:
        series = open_logs(root).by_role(phase.name)[0].series.values()
        assert phase.values == sum(int(np.prod(one.shape)) for one in series)
    assert len(phase_seconds(SMALL)) == 2


def test_a_run_whose_weights_are_gone_says_so(tmp_path):
    root = record_study(SMALL, tmp_path / "runs")
    run_dir = min(root.glob("single-*"))
    weights = run_dir / "weights.safetensors"
    weights.unlink()
    message = f"expected kept weights at {weights}, got FileNotFoundError: record the run again"
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        evaluate_run(run_dir)


def test_the_manifest_tells_recipe_and_seeds(root):
    manifest = open_logs(root).by_role("average")[1].manifest
    assert manifest.recipe == as_mapping(SMALL)
    assert manifest.seeds == {"study": 0, "init-00": seed_of("single", 0, 2), "init-01": seed_of("single", 0, 3)}
