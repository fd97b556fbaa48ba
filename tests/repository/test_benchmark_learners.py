"""What the training benchmark sets beside each other is what it says."""

import torch

from probes.learners.objectives import CrossEntropy
from probes.learners.training import train
from probes.studies.recipe_files import built_in
from probes.studies.theory.material import Material
from scripts.benchmarks import learners


def test_training_is_measured_against_floors_and_rivals_and_ten_times_as_large(monkeypatch):
    monkeypatch.setattr(learners, "STEPS", 1)
    monkeypatch.setattr(learners, "RIVAL_STEPS", 1)
    rows = learners.measure(built_in("tiny"), {"N": 8, "P": 3, "k": 2, "m": 2, "K": 2})

    assert len({row["name"] for row in rows}) == len(rows) == 13
    assert [row["name"] for row in rows if not row["ratio"] > 0] == []


def test_the_rivals_train_as_the_runs_together_do():
    material = Material(built_in("tiny"))
    inputs, start = material.training_inputs, material.initialise([(0,), (1,)])
    trained, _ = train(start, inputs, CrossEntropy(), steps=learners.RIVAL_STEPS, learning_rate=40.0)
    rivals = [learners.PlainNetwork(start, run, inputs.noise) for run in range(2)]
    ensemble = learners.train_ensemble(rivals, inputs, 40.0)
    for run, rival in enumerate(rivals):
        learners.train_plainly(rival, inputs, 40.0)
        torch.testing.assert_close(rival.weight.detach(), trained.by_neuron[run])
        torch.testing.assert_close(ensemble["weight"][run], trained.by_neuron[run])
