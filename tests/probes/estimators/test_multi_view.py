"""From data alone to a recorded run: the features that the theory's distribution hides in patches are found."""

import torch

import probes
from probes.directions import Directions
from probes.estimators import class_means, dictionary, linear_probes, patch_components
from probes.learners import MultiView, orthonormal_features

CLASSES, DIM = 6, 40
FEATURES = Directions(orthonormal_features(CLASSES, DIM, seed=0))
DATA = MultiView(classes=CLASSES, patches=12, sparsity=2.0, noise=0.15, background_noise=0.15)
SAMPLES = DATA.sample(600, seed=0)
PATCHES = SAMPLES.gaussian(FEATURES.vectors, seed=1).design


def test_a_dictionary_finds_every_planted_feature():
    found = dictionary(PATCHES[:200], features=2 * CLASSES)
    cosines = found.cosines(FEATURES)

    assert sorted(cosines.abs().argmax(1).tolist()) == list(range(2 * CLASSES))
    assert float(cosines.amax(1).min()) > 0.99
    assert found.facts["stability"] > 0.99


def test_components_find_the_span_of_the_planted_features():
    found = patch_components(PATCHES, components=2 * CLASSES)

    assert float(found.cosines(FEATURES).square().sum(0).min()) > 0.99
    assert found.facts["subspace_stability"] > 0.9


def test_class_means_and_probes_find_both_views_of_a_class_as_one_direction():
    both_views = FEATURES.vectors.sum(1)
    seen_from_the_others = Directions(both_views - both_views.mean(0), ("feature_class",))
    found = (class_means(PATCHES, SAMPLES.labels), linear_probes(PATCHES.sum(1), SAMPLES.labels))

    for directions in found:
        assert float(directions.cosines(seen_from_the_others).diagonal().min()) > 0.95


def test_estimated_directions_are_recorded_with_their_facts_beside_their_null_set(tmp_path):
    found = class_means(PATCHES, SAMPLES.labels)
    model = torch.nn.Linear(DIM, 4)
    with probes.Recorder(tmp_path / "run", {"weight": found}).attach(model) as recorder:
        recorder.step()
    log = probes.open_log(tmp_path / "run")

    assert dict(log.directions("weight").facts) == dict(found.facts)
    assert log.directions("weight.null").facts["orthogonal_to"] == "the directions and each other"
