import logging
import shutil
from dataclasses import replace

import pytest
import torch

from probes.learners.activations import SmoothedReLU
from probes.learners.compiled import Compiled, _parts, passes_of, worth_compiling
from probes.learners.designs import design_of
from probes.learners.fused import can_fuse
from probes.learners.loops import loops_of
from probes.learners.multiview import MultiView
from probes.learners.networks import initialise
from probes.learners.objectives import CrossEntropy, Distillation
from probes.learners.optimizers import Optimizer
from probes.learners.passes import Eager
from probes.learners.training import train

# Vectors do not divide the columns of any number of runs used here, nor parts the samples.
DATA = MultiView(classes=3, patches=28, feature_patches=2, sparsity=1.0)
INPUTS = DATA.sample(25, seed=0).private()
# What each form trains: patches of one feature, and with feature noise besides.
FORMS = {"loops": INPUTS, "fused": replace(INPUTS, design=INPUTS.design + 0.01)}
TAUGHT = Distillation(6 * torch.rand(25, 1, 3, generator=torch.Generator().manual_seed(1)), 0.5, 4.0)

needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler")


def start(seeds=(0, 1), inputs=INPUTS, q=3, init_scale=0.2):
    return initialise(inputs, SmoothedReLU(q), classes=3, neurons=5, init_scale=init_scale, seeds=seeds)


def compiled(networks, inputs=INPUTS, **options):
    trained, _ = train(networks, inputs, TAUGHT, steps=10, learning_rate=1.0, compiled=True, **options)
    return trained


@pytest.fixture
def anew():
    """Whether compiling works is found out anew, in the test and after it."""
    for found in (loops_of, can_fuse):
        found.cache_clear()
    yield
    for found in (loops_of, can_fuse):
        found.cache_clear()


@pytest.fixture
def threads():
    """Sets the number of threads, for the test alone."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@needs_compiler
@pytest.mark.parametrize("q", [3, 4])
@pytest.mark.parametrize("batch_size", [0, 11])
def test_compiled_training_is_eager_training_up_to_rounding(q, batch_size):
    options = {"steps": 20, "learning_rate": 1.0, "moves": True, "optimizer": Optimizer(batch_size=batch_size)}
    (fast, _), (slow, _) = (train(start(q=q), INPUTS, TAUGHT, compiled=form, **options) for form in (True, False))

    assert type(passes_of(start(), INPUTS, 1.0, compiled=True)) is Compiled
    assert (slow.weights - start(q=q).weights).abs().max() > 0.5
    torch.testing.assert_close(fast.weights, slow.weights, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(fast.memory, slow.memory, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("form", [pytest.param(True, marks=needs_compiler), False])
@pytest.mark.parametrize("inputs", FORMS.values(), ids=FORMS)
def test_who_leads_is_told_from_the_first_step_on_however_small_the_weights(inputs, form):
    networks = start(inputs=inputs, init_scale=2e-4)
    exact = replace(networks, weights=networks.weights.double(), memory=networks.memory.double())
    told = {}
    train(
        networks,
        inputs,
        CrossEntropy(),
        steps=1,
        learning_rate=0.0,
        compiled=form,
        on_step=lambda state: told.update(state.scalars),
    )
    outputs = exact.training_outputs(inputs.to(torch.float64)).transpose(0, 1)
    assert outputs.abs().max() < 1e-6
    wrong = CrossEntropy().scalars(outputs, inputs.labels)["train_error"]
    torch.testing.assert_close(told["train_error"].double(), wrong)


@needs_compiler
def test_no_bit_depends_on_the_runs_beside_it_or_on_the_number_of_threads(threads):
    beside = compiled(start(range(4)))
    for run, count in enumerate((1, 2, 3, 5)):
        threads(count)
        alone = compiled(start([run]))
        assert torch.equal(alone.weights, beside.weights[:, [run]])
        assert torch.equal(alone.memory, beside.memory[:, :, [run]])


@needs_compiler
@pytest.mark.parametrize("form", FORMS)
def test_what_is_no_number_stays_none(form):
    networks = start(inputs=FORMS[form])
    networks.memory[3, 5, 0, 0, 0] = torch.nan
    passes = passes_of(networks, FORMS[form], 1.0, compiled=True)

    assert passes.units(passes.blocks[0]).isnan().nonzero().tolist() == [[3, 0]]


@needs_compiler
@pytest.mark.parametrize("form", FORMS)
def test_compiled_training_gives_the_same_bits_again_and_goes_on_to_the_bit(form):
    kept, inputs = {}, FORMS[form]
    whole = compiled(
        start(inputs=inputs),
        inputs,
        on_update=lambda step, runs, networks, moments: kept.setdefault(step, networks.select(runs)),
    )
    again = compiled(kept[4], inputs, first=4)

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


@pytest.mark.parametrize("form", FORMS)
def test_without_a_compiler_training_is_eager_and_says_so_once(monkeypatch, anew, caplog, form):
    inputs = FORMS[form]
    monkeypatch.setenv("CXX", "c++-of-nowhere")
    with caplog.at_level(logging.WARNING, "probes"):
        found = [passes_of(start(inputs=inputs), inputs, 1.0, compiled=True) for _ in "ab"]

    assert [type(passes) for passes in found] == [Eager, Eager]
    assert caplog.messages == ["training is not compiled, which takes longer: no C++ compiler c++-of-nowhere was found"]


def test_a_compiler_that_fails_is_quoted_and_training_is_eager(monkeypatch, anew, caplog, tmp_path):
    compiler = tmp_path / "c++"
    compiler.write_text("#!/bin/sh\necho 'loops.cpp:1: unknown option' >&2\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))

    reason = f"{compiler}: loops.cpp:1: unknown option"
    assert type(passes_of(start(), INPUTS, 1.0, compiled=True)) is Eager
    assert caplog.messages == [f"training is not compiled, which takes longer: {reason}"]


def test_without_a_noise_state_there_is_nothing_to_compile():
    with pytest.raises(ValueError, match="noise state") as error:
        Compiled(None, replace(start(), memory=None), INPUTS, design_of(INPUTS), 1.0)

    assert str(error.value) == "expected networks with a noise state, got none"


@pytest.mark.parametrize(("patches", "dims", "parts"), [(11520, 24, 16), (700, 10, 16), (700, 20, 8), (160, 24, 2)])
def test_gradients_are_summed_in_parts_that_are_few_beside_the_patches(patches, dims, parts):
    assert _parts(patches, dims) == parts
