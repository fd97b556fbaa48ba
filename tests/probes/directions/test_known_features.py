import math

import pytest
import torch
from torch import nn

from probes.directions import Directions
from probes.errors import UsageError


@pytest.mark.parametrize("p", [3, 4, 7, 12])
def test_waves_are_cosine_and_sine_of_every_frequency_that_has_both(p):
    directions = Directions.fourier(p)
    expected = [
        [[wave(2 * math.pi * frequency * x / p) for x in range(p)] for wave in (math.cos, math.sin)]
        for frequency in range(1, p)
        if 2 * frequency < p
    ]

    assert directions.names == ("frequency", "phase")
    assert directions.component == "phase"
    torch.testing.assert_close(directions.vectors, torch.tensor(expected), atol=2e-6, rtol=0)


def test_waves_are_orthogonal_and_as_long_as_each_other():
    flat = Directions.fourier(11).flat()

    torch.testing.assert_close(flat @ flat.T, 11 / 2 * torch.eye(10), atol=1e-5, rtol=0)


def test_waves_may_be_over_some_of_the_inputs():
    shifted = Directions.fourier(5, dim=12, start=4)

    assert shifted.shape == (2, 2, 12)
    assert torch.equal(shifted.vectors[..., 4:9], Directions.fourier(5).vectors)
    assert not shifted.vectors[..., :4].any()
    assert not shifted.vectors[..., 9:].any()


def test_what_has_no_waves_is_refused():
    with pytest.raises(ValueError, match=r"^expected at least 3 residues as `p`, which have a wave, got 2$"):
        Directions.fourier(2)
    with pytest.raises(ValueError, match=r"^expected room for 5 inputs in a `dim` of 8, got `start` 4$"):
        Directions.fourier(5, dim=8, start=4)


def test_a_teacher_gives_the_rows_of_its_first_weight():
    teacher = nn.Sequential(nn.BatchNorm2d(2), nn.Conv2d(2, 3, 2), nn.Flatten(), nn.Linear(3, 1))
    directions = Directions.of_teacher(teacher)

    assert directions.names == ("teacher_unit",)
    assert directions.facts == {"estimator": "of_teacher(1.weight)"}
    assert directions.vectors.tolist() == [unit.flatten().tolist() for unit in teacher[1].weight]
    assert torch.equal(Directions.of_teacher(teacher[1].weight).vectors, directions.vectors)


def test_a_teacher_without_a_weight_is_refused():
    with pytest.raises(
        UsageError, match=r"^expected a weight of two axes or more in BatchNorm1d, got weight \(2,\), bias \(2,\)$"
    ):
        Directions.of_teacher(nn.BatchNorm1d(2))


def test_a_teacher_whose_weight_is_made_of_others_is_refused():
    made = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(3, 2)))
    expected = (
        "expected a first weight of Sequential that is a parameter, got `0.parametrizations.weight.original0`, of "
        "which it is made; give the weight itself, a tensor"
    )
    with pytest.raises(UsageError) as raised:
        Directions.of_teacher(made)

    assert str(raised.value) == expected
    assert Directions.of_teacher(made[0].weight).shape == (2, 3)


def test_an_embedding_gives_a_direction_for_each_token_that_has_one():
    embedding = nn.Embedding(5, 3, padding_idx=2)
    directions = Directions.of_embedding(nn.ModuleDict({"tokens": embedding}))

    assert directions.labels == {"token": ("0", "1", "3", "4")}
    assert directions.facts == {"estimator": "of_embedding(tokens.weight)"}
    assert directions.vectors.tolist() == [embedding.weight[token].tolist() for token in (0, 1, 3, 4)]


def test_a_module_without_an_embedding_is_refused():
    with pytest.raises(
        UsageError, match=r"^expected a module with an Embedding, got Linear without; name its rows yourself$"
    ):
        Directions.of_embedding(nn.Linear(2, 2))
