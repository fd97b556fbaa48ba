"""A small classifier in training mode, samples for it, and slow ways to ask it."""

import copy

import torch
from torch import nn

from probes import ProbeBatch
from probes.models import Parameters
from probes.quantities import State

CLASSES, SAMPLES = 3, 12
INPUTS = torch.randn(SAMPLES, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
LABELS = torch.arange(SAMPLES) % CLASSES
BATCH = ProbeBatch(INPUTS, LABELS)


def classifier():
    torch.manual_seed(0)
    layers = [nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, CLASSES)]
    model = nn.Sequential(*layers).double()
    model(torch.randn(20, 5, dtype=torch.float64))  # so that the running means are not 0
    return model


def state(model, step=0):
    return State(step, Parameters(model), model)


def evaluated(model):
    """A copy in evaluation mode, for autograd."""
    return copy.deepcopy(model).eval()


def sample_gradients(model, loss=nn.functional.cross_entropy, inputs=INPUTS, labels=LABELS):
    """Of one sample after the other, flattened, ``(sample, parameter)``."""
    model, rows = evaluated(model), []
    for inputs_of_one, label in zip(inputs, labels, strict=True):
        value = loss(model(inputs_of_one[None]), label[None])
        gradients = torch.autograd.grad(value, list(model.parameters()))
        rows.append(torch.cat([one.flatten() for one in gradients]))
    return torch.stack(rows)


def close(found, expected, rtol=2e-6, atol=1e-6):
    torch.testing.assert_close(
        found.float().cpu(), torch.as_tensor(expected, dtype=torch.float32), rtol=rtol, atol=atol
    )
