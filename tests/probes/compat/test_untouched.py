"""A training with a recorder ends to the bit as one without: weights, optimizer, modes and random numbers."""

import random
from contextlib import nullcontext
from itertools import chain

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations
from torch.nn.utils.parametrize import is_parametrized
from torch.utils.data import DataLoader, TensorDataset

from probes.directions import Directions
from probes.log import open_log
from probes.quantities import activations, cosine, distance_from_start, gradient, weight_norm
from probes.recording import Recorder

pytestmark = [
    pytest.mark.usefixtures("own_random_numbers"),
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),  # a loader's workers are forks
]

SAMPLES = TensorDataset(
    torch.randn(24, 6, generator=torch.Generator().manual_seed(1)),
    torch.randint(2, (24,), generator=torch.Generator().manual_seed(2)),
)
TAPPED = Directions(torch.randn(3, 6, generator=torch.Generator().manual_seed(3)))
BATCHES = 12  # of four passes over the samples, eight at a time


def network(around=lambda layer: layer):
    return nn.Sequential(around(nn.Linear(6, 6)), nn.BatchNorm1d(6), nn.Dropout(0.3), around(nn.Linear(6, 2)))


def ordered():
    return DataLoader(SAMPLES, 8)


def shuffled(**options):
    return DataLoader(SAMPLES, 8, shuffle=True, **options)


def own_generator():
    return shuffled(generator=torch.Generator().manual_seed(5))


def SGD(model):  # noqa: N802 - as torch calls it
    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)


def AdamW(model):  # noqa: N802 - as torch calls it
    return torch.optim.AdamW(model.parameters(), lr=0.01, amsgrad=True)


def bfloat16():
    return torch.autocast("cpu", torch.bfloat16)


# What each training consists of: model, optimizer, batches, what each update happens in.
TRAININGS = {
    "SGD with momentum, dropout, batch normalisation": (network, SGD, ordered, nullcontext),
    "AdamW": (network, AdamW, ordered, nullcontext),
    "a DataLoader that shuffles": (network, SGD, shuffled, nullcontext),
    "a DataLoader with a generator of its own": (network, SGD, own_generator, nullcontext),
    "a DataLoader with worker processes": (network, SGD, lambda: shuffled(num_workers=1), nullcontext),
    "spectral_norm": (lambda: network(parametrizations.spectral_norm), SGD, ordered, nullcontext),
    "weight_norm": (lambda: network(parametrizations.weight_norm), SGD, ordered, nullcontext),
    "orthogonal weights": (lambda: network(parametrizations.orthogonal), SGD, ordered, nullcontext),
    "spectral_norm, before parametrisations": (lambda: network(nn.utils.spectral_norm), SGD, ordered, nullcontext),
    "autocast to bfloat16, the update inside it": (network, AdamW, ordered, bfloat16),
}


def watching(path, model, optimizer):
    """A recorder of all there is to tap in the first layer, and of every quantity that fits."""
    parts = [name for name, value in model[0].named_parameters(prefix="0") if value.shape == (6, 6)]
    names = [*parts, "0.weight"] if is_parametrized(model[0]) else parts
    quantities = [
        *(made(name) for made in (weight_norm, distance_from_start) for name in names),
        *(cosine(name, TAPPED) for name in names),
        *(gradient(name, TAPPED) for name in parts),
        *(activations(name, torch.ones(2, 6), TAPPED) for name in ("0", "2")),
    ]
    taps = dict.fromkeys(names, TAPPED)
    return Recorder(path, taps, quantities=quantities, on_error="raise").attach(model, optimizer)


def numbers_drawn():
    """Where the three global sources of random numbers stand."""
    return torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002


def begin(kind):
    torch.manual_seed(0)
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - what must not move
    make, optimizing, loading, within = TRAININGS[kind]
    model, batches = make(), loading()
    return model, optimizing(model), batches, within


def run(model, optimizer, batches, within):
    for inputs, labels in chain.from_iterable(batches for _ in range(4)):
        with within():
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs), labels).backward()
            optimizer.step()


def bits(value):
    """What must be equal, byte for byte."""
    if isinstance(value, torch.Tensor):
        return value.numpy().tobytes()
    if isinstance(value, dict):
        return {name: bits(each) for name, each in value.items()}
    return [bits(each) for each in value] if isinstance(value, list | tuple) else value


def situations():
    marks = {kind: pytest.mark.situation(f"bit-identical weights: {kind}", "works") for kind in TRAININGS}
    return [pytest.param(kind, marks=mark, id=kind) for kind, mark in marks.items()]


@pytest.mark.parametrize("kind", situations())
def test_a_training_ends_as_without_the_recorder(path, kind):
    ends = []
    for recorded in (False, True):
        model, optimizer, batches, within = begin(kind)
        with watching(path, model, optimizer) if recorded else nullcontext():
            run(model, optimizer, batches, within)
        modes = [module.training for module in model.modules()]
        ends.append((dict(model.state_dict()), optimizer.state_dict()["state"], modes, numbers_drawn()))

    assert bits(ends[0]) == bits(ends[1])
    assert open_log(path).steps.tolist() == list(range(BATCHES + 1))
