import logging
import shutil
from dataclasses import replace

import pytest
import torch

from probes.learners import fused
from probes.learners.activations import SmoothedReLU
from probes.learners.compiled import passes_of, worth_compiling
from probes.learners.fused import Fused, can_fuse
from probes.learners.multiview import MultiView
from probes.learners.networks import initialise
from probes.learners.objectives import Distillation
from probes.learners.optimizers import Optimizer
from probes.learners.passes import Eager
from probes.learners.training import train

PRIVATE = MultiView(classes=3, patches=28, feature_patches=2, sparsity=1.0).sample(25, seed=0).private()
NOISY = replace(PRIVATE, design=PRIVATE.design + 0.01)
INPUTS = {
    "feature noise": NOISY,
    "finite dimension": replace(NOISY, noise=torch.zeros_like(PRIVATE.noise)),
    "float64": PRIVATE.to(torch.float64),
}
TAUGHT = Distillation(6 * torch.rand(25, 1, 3, generator=torch.Generator().manual_seed(1)), 0.5, 4.0)

needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler")


def start(inputs=NOISY):
    return initialise(inputs, SmoothedReLU(3), classes=3, neurons=5, init_scale=0.2, seeds=(0, 1))


def trained(networks, inputs=NOISY, *, compiled=True, **options):
    return train(networks, inputs, TAUGHT, steps=10, learning_rate=1.0, compiled=compiled, **options)[0]


@pytest.fixture
def anew():
    """Whether compiling works is found out anew, in the test and after it."""
    can_fuse.cache_clear()
    yield
    can_fuse.cache_clear()


@needs_compiler
@pytest.mark.parametrize("batch_size", [0, 11])
@pytest.mark.parametrize("form", INPUTS)
def test_fused_training_is_eager_training_up_to_rounding(monkeypatch, form, batch_size):
    monkeypatch.setattr(fused, "BLOCK_VALUES", 10 * 28 * 30)  # the last of three blocks is smaller than the others
    inputs, options = INPUTS[form], {"optimizer": Optimizer(batch_size=batch_size), "moves": True}
    fast, slow = (trained(start(inputs), inputs, compiled=compiled, **options) for compiled in (True, False))

    assert type(passes_of(start(inputs), inputs, 1.0, compiled=True)) is Fused
    assert (slow.weights - start(inputs).weights).abs().max() > 0.5
    torch.testing.assert_close(fast.weights, slow.weights, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(fast.memory, slow.memory, rtol=1e-4, atol=1e-6)


@needs_compiler
def test_fused_training_gives_the_same_bits_again_and_goes_on_to_the_bit():
    kept = {}
    whole = trained(
        start(), on_update=lambda step, runs, networks, moments: kept.setdefault(step, networks.select(runs))
    )
    again = trained(kept[4], first=4)

    assert torch.equal(again.weights, whole.weights)
    assert torch.equal(again.memory, whole.memory)


@needs_compiler
def test_what_is_no_number_stays_none():
    networks = start()
    networks.memory[3, 5, 0, 0, 0] = torch.nan
    passes = passes_of(networks, NOISY, 1.0, compiled=True)

    assert passes.units(passes.blocks[0]).isnan().nonzero().tolist() == [[3, 0]]


def test_left_to_itself_ten_times_as_much_is_fused_as_is_trained_in_loops(monkeypatch):
    monkeypatch.delenv("PROBES_COMPILE", raising=False)
    enough = 5_000_000_000 // (25 * 28 * 15) + 1

    assert [worth_compiling(start(), NOISY, steps) for steps in (enough - 1, enough)] == [False, True]


def test_without_a_compiler_training_is_eager_and_says_so_once(monkeypatch, anew, caplog):
    monkeypatch.setenv("CXX", "c++-of-nowhere")
    with caplog.at_level(logging.WARNING, "probes"):
        found = [passes_of(start(), NOISY, 1.0, compiled=True) for _ in "ab"]

    assert [type(passes) for passes in found] == [Eager, Eager]
    assert caplog.messages == ["training is not compiled, which takes longer: no C++ compiler c++-of-nowhere was found"]


def test_a_compiler_that_fails_is_quoted_and_training_is_eager(monkeypatch, anew, caplog):
    def fail():
        raise RuntimeError("CppCompileError\nPython.h: No such file")

    monkeypatch.setattr(fused, "_fused", fail)
    monkeypatch.setattr(fused, "compiler", lambda: "g++")

    assert type(passes_of(start(), NOISY, 1.0, compiled=True)) is Eager
    assert caplog.messages == ["training is not compiled, which takes longer: CppCompileError"]
