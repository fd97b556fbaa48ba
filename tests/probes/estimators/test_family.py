"""What every estimator of directions from data keeps to."""

from itertools import pairwise

import pytest
import torch

from probes.directions import Directions
from probes.estimators import class_means, dictionary, linear_probes, nonnegative_parts, patch_components
from probes.estimators import reading as module
from probes.quantities import Tap

GENERATOR = torch.Generator().manual_seed(0)
CLASSES, DIM, SAMPLES = 4, 20, 1200
LABELS = torch.randint(CLASSES, (SAMPLES,), generator=GENERATOR)
NOISE = torch.randn(SAMPLES, 2, DIM, generator=GENERATOR)

# Each class has a direction of its own, which both patches of its samples show.
FEATURES = torch.eye(DIM)[:CLASSES]
STRENGTHS = torch.tensor([9.0, 8.0, 7.0, 6.0])
SHOWN = STRENGTHS[LABELS].unsqueeze(1) * (1 + 0.05 * torch.randn(SAMPLES, 2, generator=GENERATOR))
PLANTED = 0.1 * NOISE + SHOWN.unsqueeze(2) * FEATURES[LABELS].unsqueeze(1)

ESTIMATORS = {
    "class_means": class_means,
    "class_means whitened": lambda inputs, labels, **more: class_means(inputs, labels, whiten=True, **more),
    "linear_probes": linear_probes,
    "patch_components": lambda inputs, _, **more: patch_components(inputs, components=CLASSES, centre=False, **more),
    "dictionary": lambda inputs, _, **more: dictionary(inputs, features=CLASSES, **more),
    "nonnegative_parts": lambda inputs, _, **more: nonnegative_parts(inputs, features=CLASSES, **more),
}


def estimate(name, inputs, labels=LABELS, **more):
    return ESTIMATORS[name](inputs.abs() if name == "nonnegative_parts" else inputs, labels, **more)


@pytest.fixture(scope="module")
def planted():
    return {name: estimate(name, PLANTED) for name in ESTIMATORS}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_directions_have_unit_norm_and_go_into_a_tap(name, planted):
    found = planted[name]

    assert found.shape == (CLASSES, DIM)
    torch.testing.assert_close(found.vectors.norm(dim=-1), torch.ones(CLASSES))
    assert Tap(found).dims == ("neuron",)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_what_was_planted_is_found_and_stable(name, planted):
    cosines = planted[name].cosines(Directions(FEATURES))

    assert sorted(cosines.abs().argmax(1).tolist()) == list(range(CLASSES))
    assert float(cosines.square().sum(1).min()) > 0.9  # of each that is found, in the span of what was planted
    assert planted[name].facts["stability"] > 0.9


@pytest.mark.parametrize("name", ESTIMATORS)
def test_noise_is_not_stable(name):
    facts = estimate(name, NOISE[:300], LABELS[:300]).facts

    assert facts["stability"] < facts["stability_null"] + 0.2
    assert facts["stability"] < 0.65


@pytest.mark.parametrize("name", ESTIMATORS)
def test_facts_say_where_directions_come_from(name, planted):
    facts, function = planted[name].facts, name.split()[0]

    assert facts["estimator"].startswith(f"{function}(")
    assert "seed=0" in facts["estimator"]
    assert facts["samples"] == SAMPLES
    assert len(facts["data_sha256"]) == 64
    assert 0 <= facts["stability_null"] <= 1
    assert "random halves" in facts["stability_rule"]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_same_seed_gives_the_same_bits_and_leaves_the_global_one(name, planted):
    before = torch.get_rng_state()
    again = estimate(name, PLANTED)

    assert (again.sha256, again.facts) == (planted[name].sha256, planted[name].facts)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_batches_give_what_the_whole_gives(name, planted, monkeypatch):
    monkeypatch.setattr(module, "_VALUES_AT_ONCE", 1)
    inputs = PLANTED.abs() if name == "nonnegative_parts" else PLANTED
    cuts = (0, 1, 500, 777, SAMPLES)
    batches = ((inputs[a:b], LABELS[a:b]) for a, b in pairwise(cuts))
    found = ESTIMATORS[name](batches, None)

    torch.testing.assert_close(found.vectors, planted[name].vectors, atol=1e-4, rtol=0)
    assert found.facts["data_sha256"] == planted[name].facts["data_sha256"]


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_every_type_of_data_is_taken(name, dtype, planted):
    found = estimate(name, PLANTED.to(dtype))

    torch.testing.assert_close(found.vectors, planted[name].vectors, atol=0.05, rtol=0)
