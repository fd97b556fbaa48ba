"""A recorder on a model beside a test that keeps the weights itself: in the end both must have the same rows."""

from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from probes.directions import Directions
from probes.log import open_log
from probes.models.distributed import is_writer
from probes.recording import Recorder


def network(**options):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 4, **options), nn.Tanh(), nn.Linear(4, 2, **options))


class Clamped(torch.optim.SGD):
    """An optimizer that goes on after the update of its parent."""

    def step(self, closure=None):
        super().step(closure)
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.data.clamp_(-0.1, 0.1)


def backward(model, batch=0):
    inputs = torch.randn(8, 6, generator=torch.Generator().manual_seed(batch))
    loss = model(inputs).square().mean()
    loss.backward()
    return loss


def identities(model):
    """Along the axes of its own space, a weight's correlation is the weight itself, to the bit."""
    return {
        f"{name}.weight": Directions(torch.eye(layer.in_features))
        for name, layer in model.named_modules()
        if isinstance(layer, nn.Linear)
    }


def weights(model):
    return {name: model.get_parameter(name).detach().numpy().copy() for name in identities(model)}


class Kept:
    """Called after each update, it keeps the weights; `recorder` is the one that watches."""

    def __init__(self, model, recorder):
        self.model, self.recorder, self.rows = model, recorder, [weights(model)]

    def __call__(self):
        self.rows.append(weights(self.model))


@contextmanager
def every_update(path, model, optimizer=None, *, attached_to=None):
    """Gives what to call after each update; in the end the log has a row for each of these moments and no other.

    Of several processes only the first has a log.
    """
    watching = Recorder(path, identities(model), on_error="raise").attach(attached_to or model, optimizer)
    kept = Kept(model, watching)
    with watching:
        yield kept

    if is_writer():
        log = open_log(path)
        assert log.steps.tolist() == list(range(len(kept.rows)))
        for name in identities(model):
            np.testing.assert_array_equal(log[name][:], [row[name] for row in kept.rows], err_msg=name)
