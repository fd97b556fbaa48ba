import logging
import shutil
from dataclasses import replace

import pytest
import torch

from probes.learners import compiled
from probes.learners.activations import SmoothedReLU
from probes.learners.compiled import Compiled, passes_of, worth_compiling
from probes.learners.multiview import MultiView
from probes.learners.networks import initialise
from probes.learners.objectives import CrossEntropy, Distillation
from probes.learners.passes import Eager
from probes.learners.training import train

# 28 patches are read in two groups, and the last of three blocks is smaller than the others.
DATA = MultiView(classes=3, patches=28, feature_patches=2, sparsity=1.0)
INPUTS = DATA.sample(25, seed=0).private()
TAUGHT = Distillation(6 * torch.rand(25, 1, 3, generator=torch.Generator().manual_seed(1)), 0.5, 4.0)

needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler")


def start(seeds=(0, 1), inputs=INPUTS):
    return initialise(inputs, SmoothedReLU(q=3), classes=3, neurons=5, init_scale=0.2, seeds=seeds)


@pytest.fixture
def anew():
    """Whether compiling works is found out anew, in the test and after it."""
    compiled._works.cache_clear()
    yield
    compiled._works.cache_clear()


@needs_compiler
def test_compiled_training_is_eager_training_up_to_rounding(monkeypatch):
    monkeypatch.setattr(compiled, "BLOCK_VALUES", 10 * 28 * 30)
    (fast, _), (slow, _) = (
        train(start(), INPUTS, TAUGHT, steps=20, learning_rate=1.0, moves=True, compiled=form) for form in (True, False)
    )

    assert type(passes_of(start(), INPUTS, 1.0, compiled=True)) is Compiled
    assert (slow.weights - start().weights).abs().max() > 0.5
    torch.testing.assert_close(fast.weights, slow.weights, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(fast.memory, slow.memory, rtol=1e-4, atol=1e-6)


@needs_compiler
def test_compiled_training_gives_the_same_bits_again_and_goes_on_to_the_bit():
    kept = {}
    whole, _ = train(
        start(),
        INPUTS,
        CrossEntropy(),
        steps=10,
        learning_rate=1.0,
        compiled=True,
        on_update=lambda step, runs, networks, moments: kept.setdefault(step, networks.select(runs)),
    )
    again, _ = train(kept[4], INPUTS, CrossEntropy(), steps=10, learning_rate=1.0, first=4, compiled=True)

    assert torch.equal(again.weights, whole.weights)
    assert torch.equal(again.memory, whole.memory)


@pytest.mark.parametrize(("wish", "steps", "expected"), [("0", 10**9, False), ("1", 1, True), ("auto", 1, False)])
def test_the_environment_says_what_is_compiled(monkeypatch, wish, steps, expected):
    monkeypatch.setenv("PROBES_COMPILE", wish)

    assert worth_compiling(start(), INPUTS, steps) is expected


@pytest.mark.parametrize("seeds", [[0], range(4)])
def test_left_to_itself_the_values_of_one_run_times_steps_decide(monkeypatch, seeds):
    monkeypatch.delenv("PROBES_COMPILE", raising=False)
    enough = 500_000_000 // (25 * 28 * 15) + 1

    assert [worth_compiling(start(seeds), INPUTS, steps) for steps in (enough - 1, enough)] == [False, True]


def test_another_wish_is_refused(monkeypatch):
    monkeypatch.setenv("PROBES_COMPILE", "yes")
    with pytest.raises(ValueError, match="PROBES_COMPILE") as error:
        train(start(), INPUTS, CrossEntropy(), steps=1, learning_rate=1.0)

    assert str(error.value) == "expected `PROBES_COMPILE` to be auto, 0 or 1, got 'yes': set it anew, or unset it"


def test_without_a_compiler_training_is_eager_and_says_so_once(monkeypatch, anew, caplog):
    monkeypatch.setenv("CXX", "c++-of-nowhere")
    with caplog.at_level(logging.WARNING, "probes"):
        found = [passes_of(start(), INPUTS, 1.0, compiled=True) for _ in "ab"]

    assert [type(passes) for passes in found] == [Eager, Eager]
    assert caplog.messages == ["training is not compiled, which takes longer: no C++ compiler c++-of-nowhere was found"]


def test_a_compiler_that_fails_is_quoted_and_training_is_eager(monkeypatch, anew, caplog):
    def fail():
        raise RuntimeError("CppCompileError\nPython.h: No such file")

    monkeypatch.setattr(compiled, "_loops", fail)
    monkeypatch.setattr(shutil, "which", lambda name: name)

    assert type(passes_of(start(), INPUTS, 1.0, compiled=True)) is Eager
    assert caplog.messages == ["training is not compiled, which takes longer: RuntimeError: CppCompileError"]


def test_patches_with_feature_noise_and_inputs_without_private_noise_are_not_compiled():
    noisy = replace(INPUTS, design=INPUTS.design + 0.1)
    silent = replace(INPUTS, noise=torch.zeros_like(INPUTS.noise))
    found = [passes_of(start(inputs=inputs), inputs, 1.0, compiled=True) for inputs in (noisy, silent)]

    assert [type(passes) for passes in found] == [Eager, Eager]


@pytest.mark.parametrize(("patches", "size"), [(16, 16), (24, 24), (120, 24), (28, 14), (29, 29), (46, 23), (58, 58)])
def test_patches_are_summed_in_equal_groups_of_at_most_24(patches, size):
    assert compiled._group(patches) == size
