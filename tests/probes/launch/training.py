"""Trainings as a script of a user's own would have them, without a word of recording."""

import torch
from torch import nn


def network(width=4):
    return nn.Sequential(nn.Linear(6, width), nn.Tanh(), nn.Linear(width, 2))


def loss_of(model, batch=0):
    inputs = torch.randn(8, 6, generator=torch.Generator().manual_seed(batch))
    return model(inputs).square().mean()


def train(model, optimizer, steps=3, step=None):
    """Make updates, and return the weights of the first layer before and after each."""
    first = next(model.parameters())
    seen = [first.detach().clone()]
    for batch in range(steps):
        optimizer.zero_grad()
        loss_of(model, batch).backward()
        (step or optimizer.step)()
        seen.append(first.detach().clone())
    return torch.stack(seen).numpy()
