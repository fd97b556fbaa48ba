import numpy as np
import pytest
import torch

from probes.learners.activations import SmoothedReLU
from probes.learners.networks import initialise
from probes.log import open_logs
from probes.studies import evaluate_run, record_study
from probes.studies.estimate import estimate
from probes.studies.recipe_files import built_in, override
from probes.studies.theory.material import Material, load_networks
from probes.studies.theory.plan import seeds_of
from tests.probes.studies.test_resuming import ONE_EACH, STEPS, Impatient, differences, everything

LINEAR = ["tangent", "random_features"]
SETTINGS = {**ONE_EACH, **STEPS, "measuring.monitor_every": 3, "network.init_scale": 0.5, "runs.average": 2}


def study(kind):
    settings = {key: str(value) for key, value in SETTINGS.items()}
    return override(built_in("tiny"), {**settings, "network.kind": kind})


@pytest.fixture(scope="module", params=LINEAR)
def root(request, tmp_path_factory):
    return record_study(study(request.param), tmp_path_factory.mktemp(request.param))


def kind_of(log):
    return log.manifest.recipe["network"]["kind"]


@pytest.mark.parametrize("look", [6, 11, 38])
def test_a_study_that_is_cut_off_ends_as_if_it_had_not_been(root, tmp_path, look):
    recipe = study(kind_of(open_logs(root)[0]))
    with pytest.raises(MemoryError):
        record_study(recipe, tmp_path, watcher=Impatient(look), checkpoint_seconds=0.0)

    assert differences(everything(record_study(recipe, tmp_path)), everything(root)) == []


def test_every_role_is_trained_and_evaluated(root):
    logs = open_logs(root)
    assert {log.manifest.role for log in logs} == {"single", "distilled", "self_distilled", "average"}
    assert {log.status for log in logs} == {"finished"}
    for log in logs:
        assert np.isfinite(log.evaluation.arrays["single_view/logits"]).all()


def test_kept_weights_give_the_same_measurements_again(root):
    for log in open_logs(root):
        before = {name: values.copy() for name, values in log.evaluation.arrays.items()}
        again = evaluate_run(log.path).evaluation.arrays
        assert all(np.array_equal(again[name], values, equal_nan=True) for name, values in before.items())


def test_the_stored_logits_are_those_of_the_last_step(root):
    for log in open_logs(root):
        logits, labels = (torch.tensor(log.evaluation.arrays[f"training/{name}"]) for name in ("logits", "labels"))
        loss = torch.nn.functional.cross_entropy(logits, labels)
        assert float(loss) == pytest.approx(log.scalars()["loss"].iloc[-1], rel=1e-5)


def test_a_teacher_teaches_what_it_learned(root):
    logs = open_logs(root)
    (student,) = [log for log in logs.by_role("self_distilled") if log.manifest.variant == "fresh"]
    teacher = logs[student.manifest.parents[0]]
    networks = load_networks(Material(study(kind_of(teacher))), [teacher.path], [seeds_of(teacher.manifest.seeds)])
    outputs = networks.training_outputs(Material(study(kind_of(teacher))).training_inputs)[0]
    np.testing.assert_allclose(outputs, teacher.evaluation.arrays["training/logits"], rtol=1e-5, atol=1e-6)


def test_what_is_recorded_is_the_weights_along_the_features(root):
    log = open_logs(root).by_role("single")[0]
    networks = load_networks(Material(study(kind_of(log))), [log.path], [seeds_of(log.manifest.seeds)])
    expected = networks.by_neuron[0].unflatten(-1, (6, 2))
    np.testing.assert_allclose(log["correlations"][-1], expected, rtol=1e-6)


def test_a_head_begins_at_zero_and_a_tangent_at_its_network(root):
    log = open_logs(root).by_role("single")[0]
    began = log["correlations"][0]
    if kind_of(log) == "random_features":
        assert began.shape == (6, 6 * 4, 6, 2)
        assert not began.any()
    else:
        material = Material(study("patch"))
        plain = initialise(
            material.training_inputs,
            SmoothedReLU(3, 0.5),
            classes=6,
            neurons=4,
            init_scale=0.5,
            seeds=[seeds_of(log.manifest.seeds)],
        )
        np.testing.assert_array_equal(began, plain.by_neuron[0].unflatten(-1, (6, 2)))


def test_noise_is_memorised_by_a_tangent_alone(root):
    log = open_logs(root).by_role("single")[0]
    assert ("noise_single_view" in log.scalars()) == (kind_of(log) == "tangent")


@pytest.mark.parametrize("kind", LINEAR)
def test_the_weights_take_what_was_foreseen(kind, tmp_path):
    recipe = override(study(kind), {"training.steps": "1", "runs.distilled": "0", "runs.self_distilled": "0"})
    root = record_study(recipe, tmp_path)
    for phase, role in zip(estimate(recipe).phases, ("single", "average"), strict=True):
        (path, *_) = root.glob(f"{role}-*/weights.safetensors")
        assert path.stat().st_size == pytest.approx(phase.weights, abs=300)


@pytest.mark.parametrize("kind", LINEAR)
def test_gaussian_noise_is_trained_and_measured_too(kind, tmp_path):
    few = {"runs.distilled": "0", "runs.self_distilled": "0", "noise.form": "gaussian", "noise.dim": "40"}
    root = record_study(override(study(kind), few), tmp_path)
    for log in open_logs(root):
        before = {name: values.copy() for name, values in log.evaluation.arrays.items()}
        again = evaluate_run(log.path).evaluation.arrays
        assert all(np.array_equal(again[name], values, equal_nan=True) for name, values in before.items())
