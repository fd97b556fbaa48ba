"""torch.compile of the model, of `step` and of the whole training step: hooks are neither lost nor baked in."""

import shutil
from contextlib import nullcontext

import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend

from probes.recording import Recorder
from tests.probes.compat.rows import Clamped, backward, every_update, identities, network

INDUCTOR = pytest.param(
    "inductor",
    marks=[pytest.mark.slow, pytest.mark.skipif(not shutil.which("g++"), reason="inductor needs a compiler")],
)
BACKENDS = ["eager", "aot_eager", INDUCTOR]

pytestmark = [
    pytest.mark.usefixtures("own_random_numbers", "_afresh"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch"),
]


@pytest.fixture
def _afresh():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def compiled_model(model, optimizer, **options):
    running = torch.compile(model, **options)
    return lambda batch: (optimizer.zero_grad(), backward(running, batch), optimizer.step())


def compiled_optimizer(model, optimizer, **options):
    step = torch.compile(optimizer.step, **options)
    return lambda batch: (optimizer.zero_grad(), backward(model, batch), step())


def compiled_training(model, optimizer, **options):
    inputs = torch.randn(8, 6)

    @torch.compile(**options)
    def step(batch):
        optimizer.zero_grad()
        (model(inputs).square().mean() * batch).backward()
        optimizer.step()

    return lambda batch: step(torch.tensor(1.0 + batch))


STEPS = {
    "torch.compile of the model": compiled_model,
    "torch.compile of `optimizer.step`": compiled_optimizer,
    "torch.compile of the whole training step": compiled_training,
}
SITUATIONS = [pytest.param(made, marks=pytest.mark.situation(name, "works"), id=name) for name, made in STEPS.items()]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("made", SITUATIONS)
def test_compiled(path, made, backend):
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    with every_update(path, model, optimizer) as kept:
        step = made(model, optimizer, backend=backend)
        for batch in range(12):  # more often than torch compiles a thing anew
            step(batch)
            kept()

    step(0)
    assert kept.recorder.updates == 12


@pytest.mark.parametrize("made", STEPS.values(), ids=STEPS)
def test_compiled_before_the_recorder_is_attached(path, made):
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    step = made(model, optimizer, backend="eager")
    for batch in range(3):
        step(batch)
    with every_update(path, model, optimizer) as kept:
        for batch in range(3):
            step(batch)
            kept()


@pytest.mark.parametrize("made", STEPS.values(), ids=STEPS)
def test_as_much_is_compiled_as_without_the_recorder(path, made):
    compiled = []
    for recorded in (False, True):
        torch._dynamo.reset()
        model, counter = network(), CompileCounterWithBackend("eager")
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        watching = Recorder(path, identities(model), on_error="raise")
        step = made(model, optimizer, backend=counter)
        with watching.attach(model, optimizer) if recorded else nullcontext():
            for batch in range(12):
                step(batch)
        compiled.append((counter.frame_count, counter.op_count))

    assert compiled[0] == compiled[1]


@pytest.mark.situation("torch.compile of a `step` that calls that of its parent", "works")
@pytest.mark.parametrize("made", [compiled_optimizer, compiled_training])
def test_a_compiled_step_that_calls_its_parents(path, made):
    model = network()
    torch.optim.SGD(model.parameters())  # from here on torch calls the hooks for the parent's step, too
    optimizer = Clamped(model.parameters(), lr=0.1)
    with every_update(path, model, optimizer) as kept:
        step = made(model, optimizer, backend="eager")
        for batch in range(4):
            step(batch)
            kept()


class Traceable(torch.optim.Optimizer):
    """An optimizer that can be compiled in one graph, as none of torch's own can."""

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.sub_(parameter.grad, alpha=0.1)


@pytest.mark.situation("torch.compile of `optimizer.step` with fullgraph=True", "refused")
def test_a_step_compiled_in_one_graph(path):
    model = network()
    optimizer = Traceable(model.parameters(), {})
    compiled_optimizer(model, optimizer, backend="eager", fullgraph=True)(0)
    with Recorder(path, identities(model)).attach(model, optimizer) as recorder:
        torch._dynamo.reset()
        with pytest.raises(torch._dynamo.exc.Unsupported, match="reads the weights after each update; compile `step`"):
            compiled_optimizer(model, optimizer, backend="eager", fullgraph=True)(0)
        optimizer.step()

    assert recorder.updates == 1
