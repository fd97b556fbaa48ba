"""A small network, its training and a recorder on it."""

import torch
from torch import nn

from probes.directions import Directions
from probes.recording import Recorder

DIRECTIONS = Directions(torch.randn(3, 2, 6, generator=torch.Generator().manual_seed(0)))
OPTIMIZERS = {
    "SGD": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=0.01),
    "AdamW": lambda parameters: torch.optim.AdamW(parameters, lr=0.01),
}


def network(optimizer="SGD"):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Dropout(0.3), nn.Linear(4, 2))
    return model, OPTIMIZERS[optimizer](model.parameters())


def train(model, optimizer, steps=5, before_update=lambda loss: None):
    for _ in range(steps):
        optimizer.zero_grad()
        loss = model(torch.randn(8, 6)).square().mean()
        loss.backward()
        before_update(loss)
        optimizer.step()


def recorder(path, taps=None, **options):
    return Recorder(path, taps or {"0.weight": DIRECTIONS}, **{"on_error": "raise"} | options)
