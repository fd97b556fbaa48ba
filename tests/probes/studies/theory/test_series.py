import numpy as np
import pytest
import torch

from probes.log import open_logs
from probes.studies import record_study
from probes.studies.recipe_files import built_in, override
from probes.studies.theory.series import forces, taps

FEATURES = torch.linalg.qr(torch.randn(8, 6, generator=torch.Generator().manual_seed(0)))[0].T.reshape(3, 2, 8)


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    few = {"runs.single": "2", "runs.distilled": "1", "runs.self_distilled": "1", "runs.average": "1"}
    return open_logs(record_study(override(built_in("tiny"), few), tmp_path_factory.mktemp("runs")))


def test_the_null_is_the_strength_along_random_directions_beside_the_features():
    weights = torch.randn(2, 3, 4, 8)
    tap = taps(FEATURES)["correlations.null"]
    flat, planted = tap.directions.vectors.reshape(6, 8), FEATURES.reshape(6, 8)

    torch.testing.assert_close(flat @ flat.T, torch.eye(6), atol=1e-5, rtol=0)
    for run, i in ((0, 0), (1, 2)):
        products = weights[run, i] @ tap.directions.vectors[1, 0]
        found = tap.project(weights[run])[i, 1, 0]
        assert float(found) == pytest.approx(sum(x for x in products.tolist() if x > 0), rel=1e-4)
    assert planted.shape == flat.shape


def test_every_run_has_its_null_and_students_their_forces(logs):
    assert {log.manifest.role: sorted(log.series) for log in logs} == {
        "single": ["correlations", "correlations.null"],
        "average": ["correlations", "correlations.null"],
        "distilled": ["correlations", "correlations.null", "forces"],
        "self_distilled": ["correlations", "correlations.null", "forces"],
    }


def test_forces_add_up_to_what_the_strengths_gain(logs):
    for log in logs.by_role("distilled"):
        own = np.stack([log["correlations"][:, i, :, i] for i in range(6)], 1)  # (step, class, neuron, view)
        added = log["forces"][:].sum(1)  # over terms
        alive = (own[:-1] > 0) & (own[1:] > 0) | (own[:-1] <= 0) & (own[1:] <= 0)
        gained = np.diff(np.maximum(own, 0).sum(2), axis=0)
        steady = alive.all(2)
        np.testing.assert_allclose(added[:-1][steady], gained[steady], rtol=1e-4, atol=2e-4)
        assert steady.mean() > 0.8
        assert not added[-1].any()


def test_forces_are_sums_over_neurons_that_point_along_the_feature():
    weights, moved = torch.randn(2, 3, 4, 8), torch.randn(2, 3, 4, 8)
    found = forces(FEATURES, ["fit"]).measure(
        type("State", (), {"parameters": {"correlations": weights, "moves.fit": moved}})
    )
    for run, i, view in ((0, 1, 0), (1, 2, 1)):
        expected = sum(
            float(moved[run, i, r] @ FEATURES[i, view])
            for r in range(4)
            if float(weights[run, i, r] @ FEATURES[i, view]) > 0
        )
        assert float(found[run, 0, i, view]) == pytest.approx(expected, abs=1e-4)


def test_only_the_teacher_pushes_what_labels_leave_behind(logs):
    """Distillation never pulls a class down: over a run its force on every feature is positive."""
    for log in logs.by_role("distilled"):
        assert (log["forces"][:].sum(0)[1] > 0).all()


def test_of_the_own_class_block_there_is_a_kth_of_the_values():
    weights = torch.randn(3, 4, 8)
    full, own = (taps(FEATURES, own_class=own)["correlations"] for own in (False, True))
    found = own.project(weights)
    assert own.axes == ("class", "neuron", "view")
    for i in range(3):
        torch.testing.assert_close(found[i], weights[i] @ full.vectors[i].T)
