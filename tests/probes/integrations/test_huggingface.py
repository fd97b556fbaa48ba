import json
import random
import sys
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from probes import open_log
from probes.integrations.huggingface import callback
from tests.probes.training import DIRECTIONS, network, recorder
from tests.probes.training import train as train_plainly

pytestmark = [
    pytest.mark.usefixtures("own_random_numbers"),
    pytest.mark.filterwarnings(r"ignore:::(transformers|accelerate|huggingface_hub)\b"),
]
TAPS = {"net.0.weight": DIRECTIONS}
SAMPLES = [{"x": row} for row in torch.randn(32, 6, generator=torch.Generator().manual_seed(1))]


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.net, _ = network()
        self.seen = []  # the tapped weight as each batch finds it

    def forward(self, x):
        self.seen.append(self.net[0].weight.detach().numpy().copy())
        return {"loss": self.net(x).square().mean()}

    @property
    def correlations(self):
        weights = np.stack([*self.seen, self.net[0].weight.detach().numpy()])
        return np.einsum("snd,fvd->snfv", weights, DIRECTIONS.vectors.numpy())


@pytest.fixture
def framework():
    pytest.importorskip("accelerate")
    pytest.importorskip("transformers")
    states = random.getstate(), np.random.get_state()  # noqa: NPY002 - the Trainer seeds them
    yield import_module("transformers")
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002


def hf_recorder(path, **options):
    return recorder(path, TAPS, **options)


def train(framework, path, *callbacks, resume=None, model=None, **options):
    """The model after eight updates, or `max_steps`."""
    quiet = {"report_to": "none", "disable_tqdm": True, "use_cpu": True, "save_strategy": "no"}
    usual = {"output_dir": path.parent / "saved", "max_steps": 8, "per_device_train_batch_size": 4}
    arguments = framework.TrainingArguments(lr_scheduler_type="constant", **quiet | usual | options)
    model = model or Model()
    framework.Trainer(model, arguments, train_dataset=SAMPLES, callbacks=list(callbacks)).train(resume)
    return model


@pytest.mark.situation("Hugging Face Trainer", "works")
def test_every_update_of_a_hugging_face_trainer_is_recorded(framework, path):
    model = train(framework, path, callback(hf_recorder(path)))

    assert open_log(path).steps.tolist() == list(range(9))
    np.testing.assert_allclose(open_log(path)["net.0.weight"][:], model.correlations, rtol=1e-5, atol=1e-6)
    assert open_log(path).status == "finished"


@pytest.mark.situation("Hugging Face Trainer, gradient accumulation", "works")
def test_batches_whose_gradients_are_accumulated_are_one_update(framework, path):
    model = train(framework, path, callback(hf_recorder(path)), gradient_accumulation_steps=4, max_steps=2)

    np.testing.assert_allclose(open_log(path)["net.0.weight"][:], model.correlations[::4], rtol=1e-5, atol=1e-6)


def test_a_trainer_ends_with_the_same_weights_without_a_recorder(framework, path):
    recorded, bare = train(framework, path, callback(hf_recorder(path))), train(framework, path)

    assert all(map(torch.equal, recorded.parameters(), bare.parameters()))


@pytest.mark.situation("Hugging Face Trainer, resumed from a checkpoint", "works")
@pytest.mark.parametrize("restored", [False, True])
def test_a_resumed_training_ends_with_the_log_of_an_uninterrupted_one(framework, tmp_path, path, restored):
    train(framework, path.with_name("whole"), callback(hf_recorder(path.with_name("whole"))))
    train(framework, path, callback(hf_recorder(path)), max_steps=6, save_strategy="steps", save_steps=4)
    saved = {"resume": str(tmp_path / "saved/checkpoint-4"), "restore_callback_states_from_checkpoint": restored}
    train(framework, path, callback(hf_recorder(path)), **saved)

    whole, resumed = open_log(path.with_name("whole")), open_log(path)
    np.testing.assert_array_equal(resumed["net.0.weight"][:], whole["net.0.weight"][:])
    assert (resumed.steps.tolist(), resumed.manifest.attempts, resumed.faults) == (list(range(9)), (4,), ())


def test_a_checkpoint_without_a_recorder_can_be_gone_on_from_with_one(framework, tmp_path, path):
    saving = {"save_strategy": "steps", "save_steps": 4}
    train(framework, path, max_steps=4, **saving)
    train(framework, path, callback(hf_recorder(path)), resume=str(tmp_path / "saved/checkpoint-4"), **saving)

    assert open_log(path).steps.tolist() == [0, 1, 2, 3, 4]
    assert (tmp_path / "saved/checkpoint-8").is_dir()


def test_metrics_are_recorded_when_the_trainer_logs_them(framework, path):
    train(framework, path, callback(hf_recorder(path), metrics=["loss", "learning_*"]), logging_steps=4)
    scalars = open_log(path).scalars()

    assert scalars.columns.tolist() == ["learning_rate", "loss"]
    assert scalars.index.tolist() == [4, 8]


def test_a_training_that_breaks_off_says_so_where_the_recorder_is_entered(framework, path):
    class Breaking(Model):
        def forward(self, x):
            return super().forward(x) if len(self.seen) < 3 else 1 / 0

    with pytest.raises(ZeroDivisionError, match="division"), hf_recorder(path) as entered:
        train(framework, path, callback(entered), model=Breaking())

    assert (open_log(path).status, open_log(path).steps.tolist()) == ("failed", [0, 1, 2, 3])


@pytest.mark.situation("Accelerate", "works")
@pytest.mark.usefixtures("framework")
def test_an_optimizer_that_accelerate_wraps_is_seen_through(path):
    accelerator = import_module("accelerate").Accelerator(cpu=True, gradient_accumulation_steps=2)
    model, optimizer = accelerator.prepare(*network())
    with recorder(path).attach(model, optimizer):
        for _ in range(6):
            with accelerator.accumulate(model):
                accelerator.backward(model(torch.randn(8, 6)).square().mean())
                optimizer.step()
                optimizer.zero_grad()

    assert open_log(path).steps.tolist() == [0, 1, 2, 3]


def test_without_transformers_there_is_a_hint(path, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "transformers"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(ImportError) as error:
        callback(hf_recorder(path))

    assert str(error.value) == "expected transformers 4.43 or later, got none; run `pip install transformers`"


class Double:
    """What a Trainer of Transformers does with a callback, where there is none."""

    def __init__(self, made, kept=None):
        self.made, self.state = made, SimpleNamespace(stateful_callbacks=dict(kept or {}))

    def train(self, model, optimizer, steps):
        self.made.on_train_begin(None, self.state, None, model=model, optimizer=optimizer, processing_class=None)
        train_plainly(model, optimizer, steps)
        self.state.stateful_callbacks[type(self.made).__name__] = self.made.state()
        train_plainly(model, optimizer, 1)
        self.made.on_train_end(None, self.state, None)
        return json.loads(json.dumps(self.state.stateful_callbacks))


def test_of_transformers_the_callback_needs_two_classes_alone(path, monkeypatch):
    bases = {name: type(name, (), {}) for name in ("TrainerCallback", "ExportableState")}
    monkeypatch.setitem(sys.modules, "transformers.trainer_callback", SimpleNamespace(**bases))
    kept = Double(callback(recorder(path))).train(*network(), steps=3)
    Double(callback(recorder(path)), kept).train(*network(), steps=2)

    assert open_log(path).steps.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert open_log(path).manifest.attempts == (3,)
