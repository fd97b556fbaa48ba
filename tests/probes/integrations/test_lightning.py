import pickle
import sys
import warnings
from copy import deepcopy
from importlib import import_module

import numpy as np
import pytest
import torch

from probes import open_log
from probes.integrations.lightning import callback
from probes.recording.optimizers import unwrapped
from tests.probes.integrations.lit import BATCHES, adversarial_class, lit_recorder, module_class, trainer

pytestmark = [
    pytest.mark.usefixtures("own_random_numbers"),
    pytest.mark.filterwarnings(r"ignore:::(lightning|pytorch_lightning|torchmetrics)\b"),
]


@pytest.fixture(params=["lightning.pytorch"])
def framework(request):
    pytest.importorskip(request.param.partition(".")[0])
    return import_module(request.param)


def fit(framework, path, module, *, record=True, metrics=(), ckpt_path=None, batches=BATCHES, **options):
    """The trainer after a training with two validations of a batch, one of them Lightning's sanity check."""
    callbacks = [callback(lit_recorder(path), metrics=metrics)] if record else []
    made = trainer(framework, path, *callbacks, **options)
    made.fit(module, batches, BATCHES[:1], ckpt_path=ckpt_path)
    return made


@pytest.mark.situation("Lightning, automatic optimization", "works")
@pytest.mark.parametrize("framework", ["lightning.pytorch", "pytorch_lightning"], indirect=True)
def test_every_update_of_a_lightning_trainer_is_recorded(framework, path):
    module = module_class(framework)()
    fit(framework, path, module)

    assert open_log(path).steps.tolist() == list(range(9))
    np.testing.assert_allclose(open_log(path)["model.0.weight"][:], module.correlations, rtol=1e-5, atol=1e-6)
    assert open_log(path).status == "finished"


@pytest.mark.situation("Lightning, gradient accumulation", "works")
def test_batches_whose_gradients_lightning_accumulates_are_one_update(framework, path):
    module = module_class(framework)()
    fit(framework, path, module, accumulate_grad_batches=4)

    np.testing.assert_allclose(open_log(path)["model.0.weight"][:], module.correlations[::4], rtol=1e-5, atol=1e-6)


@pytest.mark.situation("Lightning, manual optimization with several optimizers", "works")
def test_optimizers_that_take_turns_make_one_update_together(framework, path):
    module = adversarial_class(framework)()
    fit(framework, path, module)

    np.testing.assert_allclose(open_log(path)["model.0.weight"][:], module.correlations, rtol=1e-5, atol=1e-6)


@pytest.mark.situation("Lightning, manual optimization without an optimizer", "works")
def test_updates_made_by_hand_are_counted_by_hand(framework, path):
    class Manual(module_class(framework)):
        automatic_optimization = False

        def training_step(self, batch, batch_idx):
            with torch.no_grad():
                self.model[0].weight.mul_(0.9)
            self.trainer.callbacks[0].recorder.step()

        def configure_optimizers(self):
            return None

    fit(framework, path, Manual())
    assert open_log(path).steps.tolist() == list(range(9))


@pytest.mark.situation("Lightning, precision plugins", "works")
@pytest.mark.parametrize("precision", ["bf16-mixed", "bf16-true", "64-true"])
def test_in_every_precision_training_is_the_same_to_the_bit_and_recorded(framework, path, precision):
    modules = [module_class(framework)() for _ in range(2)]
    batches = BATCHES.to(torch.float64) if precision == "64-true" else BATCHES
    for module in modules:
        fit(framework, path, module, record=module is modules[0], precision=precision, batches=batches)

    weights = [torch.cat([weight.flatten() for weight in module.parameters()]) for module in modules]
    assert torch.equal(*weights)
    assert open_log(path)["model.0.weight"].dtype == ("<f8" if precision == "64-true" else "<f4")


@pytest.mark.situation("Lightning, resumed from a checkpoint", "works")
def test_a_training_resumed_by_lightning_ends_with_the_log_of_an_uninterrupted_one(framework, tmp_path, path):
    fit(framework, tmp_path / "whole" / "run", module_class(framework)(), max_epochs=3)
    fit(framework, path, module_class(framework)(), max_epochs=1).save_checkpoint(tmp_path / "saved")
    fit(framework, path, module_class(framework)(), max_epochs=3, ckpt_path=tmp_path / "saved")

    whole, resumed = open_log(tmp_path / "whole" / "run"), open_log(path)
    np.testing.assert_array_equal(resumed["model.0.weight"][:], whole["model.0.weight"][:])
    assert (resumed.steps.tolist(), resumed.manifest.attempts, resumed.faults) == (list(range(25)), (8,), ())


def test_a_test_with_a_checkpoint_leaves_the_log_alone(framework, tmp_path, path):
    module = module_class(framework)()
    made = fit(framework, path, module, max_epochs=2)
    made.save_checkpoint(tmp_path / "saved")
    made.test(module, BATCHES, ckpt_path=tmp_path / "saved", verbose=False)

    assert (len(open_log(path).steps), open_log(path).manifest.attempts) == (17, ())


@pytest.mark.parametrize(("error", "status"), [(ValueError, "failed"), (SystemExit, "interrupted")])
def test_a_training_that_breaks_off_says_so_in_its_log(framework, path, error, status):
    class Breaking(module_class(framework)):
        def on_train_batch_end(self, outputs, batch, batch_idx):
            if batch_idx == 2:
                raise error("stop")

    with pytest.raises(error, match="stop"):
        fit(framework, path, Breaking())
    assert (len(open_log(path).steps), open_log(path).status) == (4, status)
    assert open_log(path).manifest.reason == f"{error.__name__}: stop"


def test_metrics_are_recorded_at_the_step_whose_weights_gave_them(framework, path):
    module = module_class(framework)()
    fit(framework, path, module, metrics=["loss", "*_loss", "*_epoch"], max_epochs=2)
    scalars = open_log(path).scalars()

    assert scalars.columns.tolist() == ["loss", "train_loss", "train_loss_epoch", "val_loss"]
    assert scalars.loss.dropna().index.tolist() == list(range(16))
    assert scalars.val_loss.dropna().index.tolist() == [8, 16]
    assert scalars.train_loss_epoch[16] == pytest.approx(scalars.train_loss[8:16].mean())


@pytest.mark.situation("Lightning, a second `fit` with the callback (a further phase, the next fold)", "works")
def test_a_second_fit_is_a_run_of_its_own(framework, path):
    module, made = module_class(framework)(), trainer(framework, path, callback(lit_recorder(path)))
    made.fit(module, BATCHES)
    made.fit_loop.max_epochs = 2
    made.fit(module, BATCHES)

    first, second = open_log(path), open_log(path.with_name(f"{path.name}-2"))
    assert (len(first.steps), first.status, second.status) == (9, "finished", "finished")
    np.testing.assert_array_equal(second["model.0.weight"][0], first["model.0.weight"][-1])


@pytest.mark.situation("Lightning, k-fold: a trainer and a model for each fold, with one callback", "works")
def test_every_fold_is_a_run_of_its_own(framework, path):
    folds, shared = [module_class(framework)() for _ in range(3)], callback(lit_recorder(path))
    for module in folds:
        trainer(framework, path, shared).fit(module, BATCHES, BATCHES[:1])

    for module, name in zip(folds, ["run", "run-2", "run-3"], strict=True):
        log = open_log(path.with_name(name))
        assert (len(log.steps), log.status) == (9, "finished")
        np.testing.assert_allclose(log["model.0.weight"][-1], module.correlations[-1], rtol=1e-5, atol=1e-6)


@pytest.mark.situation("Lightning, k-fold: a callback of its own for each fold, all with one path", "refused")
def test_a_fold_with_the_path_of_another_is_not_recorded_and_trains_on(framework, path):
    folds = [module_class(framework)() for _ in range(2)]
    for module in folds:
        made = trainer(framework, path, callback(lit_recorder(path, on_error="warn")))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            made.fit(module, BATCHES, BATCHES[:1])

    (said,) = [str(each.message) for each in caught if each.category is RuntimeWarning]
    assert said == (
        f"{path}: not recorded: expected no run at `{path}`, got one; name another directory, go on with it "
        "(resume=True), or overwrite it (--force, overwrite=True); training goes on"
    )
    log = open_log(path)
    assert (len(log.steps), log.status, len(folds[1].seen)) == (9, "finished", 8)


def test_several_recorders_have_several_states(framework, tmp_path):
    states = [callback(lit_recorder(tmp_path / name)).state_key for name in ("a", "b")]

    assert states == ["probes.Recorder(a)", "probes.Recorder(b)"]


@pytest.mark.usefixtures("framework")
def test_a_callback_goes_to_other_processes(path):
    made = callback(lit_recorder(path), metrics=["loss"])

    assert b"Recorder" in pickle.dumps(made)
    assert deepcopy(made).state_key == made.state_key


def test_an_optimizer_that_lightning_wraps_is_seen_through(framework):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    wrapper = import_module(f"{framework.__name__}.core.optimizer").LightningOptimizer(optimizer)

    assert unwrapped(wrapper) is optimizer


def test_without_lightning_there_is_a_hint(path, monkeypatch):
    for name in ("lightning", "lightning.pytorch", "pytorch_lightning"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(ImportError) as error:
        callback(lit_recorder(path))

    assert str(error.value) == (
        'expected Lightning to be installed, got none; run `pip install "feature-probes[lightning]"`'
    )
