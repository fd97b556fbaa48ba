"""Mixed precision: an update that GradScaler skips is none, and what is computed is computed in full precision."""

import pytest
import torch

from tests.probes.compat.rows import backward, every_update, network

pytestmark = pytest.mark.usefixtures("own_random_numbers")

KINDS = {
    "plain SGD": lambda parameters: torch.optim.SGD(parameters, lr=0.1),
    "fused SGD": lambda parameters: torch.optim.SGD(parameters, lr=0.1, fused=True),
    "fused Adam": lambda parameters: torch.optim.Adam(parameters, lr=0.1, fused=True),
    "fused AdamW": lambda parameters: torch.optim.AdamW(parameters, lr=0.1, fused=True),
}
OVERFLOWS = (0, 3, 4)  # batches whose gradients are infinite


def scaled_backward(model, scaler, batch, layer=0):
    inputs = torch.randn(8, 6, generator=torch.Generator().manual_seed(batch))
    scaler.scale(model(inputs).square().mean()).backward()
    if batch in OVERFLOWS:
        model[layer].weight.grad[0, 0] = torch.inf


@pytest.mark.situation("AMP GradScaler, plain optimizers", "works")
@pytest.mark.situation("AMP GradScaler, fused optimizers, which fire on a skipped update", "works")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("unscaled", [False, True])
def test_an_update_that_the_scaler_skips_is_none(path, kind, unscaled):
    model, scaler = network(), torch.amp.GradScaler("cpu", init_scale=16.0)
    optimizer = KINDS[kind](model.parameters())
    with every_update(path, model, optimizer) as kept:
        for batch in range(8):
            optimizer.zero_grad()
            scaled_backward(model, scaler, batch)
            if unscaled:
                scaler.unscale_(optimizer)
            scaler.step(optimizer)
            scaler.update()
            if batch not in OVERFLOWS:
                kept()


@pytest.mark.situation("AMP GradScaler with several optimizers, of which one is skipped", "works")
@pytest.mark.parametrize(("fused", "skipped"), [(None, 1), (True, 1), (True, 0)])
def test_one_of_two_optimizers_is_skipped(path, fused, skipped):
    model, scaler = network(), torch.amp.GradScaler("cpu", init_scale=16.0)
    pair = [torch.optim.SGD(model[place].parameters(), lr=0.1, fused=fused) for place in (0, 2)]
    with every_update(path, model, pair) as kept:
        for batch in range(8):
            model.zero_grad()
            scaled_backward(model, scaler, batch, layer=(0, 2)[skipped])
            for optimizer in pair:
                scaler.step(optimizer)
            scaler.update()
            kept()


@pytest.mark.situation("a scaler that is not enabled", "works")
def test_a_scaler_that_is_not_enabled(path):
    model, scaler = network(), torch.amp.GradScaler("cpu", enabled=False)
    optimizer = KINDS["fused SGD"](model.parameters())
    with every_update(path, model, optimizer) as kept:
        for batch in range(3):
            backward(model, batch)
            scaler.step(optimizer)
            scaler.update()
            kept()
