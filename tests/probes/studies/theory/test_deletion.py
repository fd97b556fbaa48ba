from dataclasses import replace

import pytest
import torch

from probes.learners.objectives import CrossEntropy
from probes.learners.training import train
from probes.studies.recipe_files import built_in, override
from probes.studies.theory.deletion import credited, deletion
from probes.studies.theory.material import Material

MATERIAL = Material(override(built_in("tiny"), {"noise.form": "gaussian", "noise.dim": "40"}))
SAMPLES, INPUTS = MATERIAL.single_view_test(60)


@pytest.fixture(scope="module")
def networks():
    start = MATERIAL.initialise([(0,), (1,)])
    return train(start, MATERIAL.training_inputs, CrossEntropy(), steps=80, learning_rate=40.0)[0]


def test_a_neuron_is_credited_with_the_feature_it_points_along_most(networks):
    muted = credited(networks, MATERIAL.features)
    for run, i, r in torch.cartesian_prod(*map(torch.arange, networks.by_neuron.shape[:3])).tolist():
        products = {
            (j, v): float(networks.by_neuron[run, i, r] @ MATERIAL.features[j, v]) for j in range(6) for v in range(2)
        }
        largest = max(products, key=products.get)
        assert muted[run, i, r].tolist() == [largest == (i, 0), largest == (i, 1)]


def accuracy(networks, run, i, view, muted):
    """Of one class on its samples with one view, by the plain network with some neurons of that class set to zero."""
    weights = networks.weights.clone()
    for r in muted:
        weights[:, run, i, r] = 0
    outputs = replace(networks, weights=weights).outputs(INPUTS)[run]
    rows = [n for n in range(len(SAMPLES)) if (SAMPLES.labels[n], SAMPLES.view[n]) == (i, view)]
    right = [all(outputs[n, i] > outputs[n, j] for j in range(6) if j != i) for n in rows]
    return sum(right) / len(right) if rows else float("nan")


def test_accuracies_are_those_of_networks_whose_neurons_are_set_to_zero(networks):
    found, which = (
        deletion(networks, SAMPLES, INPUTS, MATERIAL.features, first_chunk=0),
        credited(networks, MATERIAL.features),
    )
    for run, i, view in torch.cartesian_prod(torch.arange(2), torch.arange(6), torch.arange(2)).tolist():
        assert float(found["deletion/before"][run, i, view]) == pytest.approx(
            accuracy(networks, run, i, view, []), nan_ok=True
        )
        for gone in range(2):
            muted = which[run, i, :, gone].nonzero().flatten().tolist()
            assert found["deletion/neurons"][run, i, gone] == len(muted)
            expected = accuracy(networks, run, i, view, muted)
            assert float(found["deletion/after"][run, i, gone, view]) == pytest.approx(expected, nan_ok=True)


def test_muting_the_winner_costs_its_view(networks):
    """On a trained network the accuracy on a view that was won falls when its neurons are muted, and not otherwise."""
    found = deletion(networks, SAMPLES, INPUTS, MATERIAL.features, first_chunk=0)
    before, after = found["deletion/before"], found["deletion/after"]
    won = before > 0.9

    assert won.any()
    own = torch.stack([after[:, :, view, view] for view in (0, 1)], 2)
    other = torch.stack([after[:, :, 1 - view, view] for view in (0, 1)], 2)
    assert own[won].mean() + 0.3 < other[won].mean()
