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


def trained(inputs, **options):
    return train(start(inputs), inputs, TAUGHT, steps=10, learning_rate=1.0, moves=True, **options)[0]


@needs_compiler
@pytest.mark.parametrize("batch_size", [0, 11])
@pytest.mark.parametrize("form", INPUTS)
def test_fused_training_is_eager_training_up_to_rounding(monkeypatch, form, batch_size):
    monkeypatch.setattr(fused, "BLOCK_VALUES", 10 * 28 * 30)  # the last of three blocks is smaller than the others
    inputs, optimizer = INPUTS[form], Optimizer(batch_size=batch_size)
    fast, slow = (trained(inputs, compiled=compiled, optimizer=optimizer) for compiled in (True, False))

    assert type(passes_of(start(inputs), inputs, 1.0, compiled=True)) is Fused
    assert (slow.weights - start(inputs).weights).abs().max() > 0.5
    torch.testing.assert_close(fast.weights, slow.weights, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(fast.memory, slow.memory, rtol=1e-4, atol=1e-6)


@needs_compiler
@pytest.mark.parametrize("optimizer", [Optimizer(momentum=0.5), Optimizer("adam")], ids=lambda rule: rule.name)
def test_fused_sweeps_serve_an_optimizer_with_memory(optimizer):
    inputs = INPUTS["finite dimension"]
    fast, slow = (
        train(start(inputs), inputs, TAUGHT, steps=8, learning_rate=0.1, optimizer=optimizer, compiled=compiled)[0]
        for compiled in (True, False)
    )

    assert (slow.weights - start(inputs).weights).abs().max() > 0.1
    torch.testing.assert_close(fast.weights, slow.weights, rtol=1e-3, atol=1e-5)


def test_left_to_itself_ten_times_as_much_is_fused_as_is_trained_in_loops(monkeypatch):
    monkeypatch.delenv("PROBES_COMPILE", raising=False)
    enough = 5_000_000_000 // (25 * 28 * 15) + 1

    assert [worth_compiling(start(), NOISY, steps) for steps in (enough - 1, enough)] == [False, True]


def test_a_compiler_that_fails_is_quoted_and_training_is_eager(monkeypatch, caplog, request):
    def fail():
        raise RuntimeError("CppCompileError\nPython.h: No such file")

    can_fuse.cache_clear()
    request.addfinalizer(can_fuse.cache_clear)
    monkeypatch.setattr(fused, "_fused", fail)
    monkeypatch.setattr(fused, "compiler", lambda: "g++")

    assert type(passes_of(start(), NOISY, 1.0, compiled=True)) is Eager
    assert caplog.messages == ["training is not compiled, which takes longer: CppCompileError"]
