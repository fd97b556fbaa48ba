import gc
import threading
import time
import weakref

import numpy as np
import pytest
import torch
from torch import nn

from probes.log import open_log, open_logs
from tests.probes.launch.training import loss_of, network, train

pytestmark = [
    pytest.mark.usefixtures("own_random_numbers"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch"),
]
TAP = "0.weight"


def rows(root, run, series=TAP):
    return open_log(root / run)[series][:]


def test_every_update_of_a_tapped_weight_is_recorded(watched, root, tap):
    watch, said = watched(taps={TAP: tap})
    model = network()
    weights = train(model, torch.optim.SGD(model.parameters(), lr=0.1))

    watch.end()
    assert (rows(root, "Sequential-00") == weights).all()
    assert np.allclose(rows(root, "Sequential-00", f"{TAP}.norm"), np.linalg.norm(weights, axis=2))
    assert [line.split(",")[0] for line in said] == [f"Sequential-00 in {root}: 3 steps"]


def test_without_a_tap_the_norm_of_every_weight_is_recorded(watched, root):
    watch, _ = watched()
    model = nn.Sequential(network(), nn.BatchNorm1d(2))
    weights = train(model, torch.optim.SGD(model.parameters(), lr=0.1))

    watch.end()
    log = open_log(root / "Sequential-00")
    assert set(log.series) == {"0.0.weight.norm", "0.2.weight.norm"}
    assert np.allclose(log["0.0.weight.norm"][:], np.linalg.norm(weights.reshape(4, -1), axis=1))


def test_training_is_the_same_to_the_bit(watched, tap):
    model, other = network(), network()
    other.load_state_dict(model.state_dict())
    weights = train(model, torch.optim.Adam(model.parameters()), 20)
    state = torch.get_rng_state()
    watch, _ = watched(taps={TAP: tap})
    recorded = train(other, torch.optim.Adam(other.parameters()), 20)

    watch.end()
    assert (recorded == weights).all()
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.situation("`probes record`: two models in turn (GAN)", "works")
def test_models_trained_at_once_become_runs_of_their_own(watched, root, tap):
    watch, _ = watched(taps={TAP: tap})
    models = [network(), network()]
    optimizers = [torch.optim.SGD(model.parameters(), lr=0.1) for model in models]
    weights = [[model[0].weight.detach().clone()] for model in models]
    for _ in range(3):
        for model, optimizer, seen in zip(models, optimizers, weights, strict=True):
            seen.append(torch.from_numpy(train(model, optimizer, 1)[-1]))

    watch.end()
    for run, seen in enumerate(weights):
        assert (rows(root, f"Sequential-{run:02d}") == torch.stack(seen).numpy()).all()


@pytest.mark.situation("`probes record`: models trained in threads", "works")
def test_models_trained_in_threads_are_recorded_from_their_first_update_on(watched, root, tap):
    watch, said = watched(taps={TAP: tap})
    prepare = watch._prepare
    watch._prepare = lambda: (time.sleep(0.2), prepare())
    models, weights = [network(), network(), network()], {}

    def work(number):
        model = models[number]
        weights[number] = train(model, torch.optim.SGD(model.parameters(), lr=0.1), 50)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    watch.end()

    recorded = [rows(root, f"Sequential-{run:02d}") for run in range(3)]
    assert all(any((own == one).all() for one in recorded) for own in weights.values()), said


@pytest.mark.situation("`probes record`: `gc.freeze` before the first step", "works")
def test_a_model_that_the_collector_has_set_aside_is_found(watched, root, tap):
    watch, _ = watched(taps={TAP: tap})
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    gc.freeze()
    try:
        weights = train(model, optimizer)
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
    watch.end()

    assert (rows(root, "Sequential-00") == weights).all()


@pytest.mark.situation("`probes record`: models one after another", "works")
def test_models_one_after_another_become_runs_of_their_own(watched, root, tap):
    watch, _ = watched(taps={TAP: tap})
    seen = []
    for width in (3, 4, 5):
        model = network(width)
        seen.append(train(model, torch.optim.SGD(model.parameters(), lr=0.1)))

    watch.end()
    assert [log.manifest.run_id for log in open_logs(root)] == [f"Sequential-{run:02d}" for run in range(3)]
    assert all((rows(root, f"Sequential-{run:02d}") == weights).all() for run, weights in enumerate(seen))


def test_a_model_that_is_dropped_is_gone_and_its_run_is_complete(watched, root, tap):
    watch, _ = watched(taps={TAP: tap})
    model = network()
    optimizer = torch.optim.Adam(model.parameters())
    weights = train(model, optimizer)
    gone = [weakref.ref(each) for each in (model, optimizer, model[0].weight)]
    gc.disable()  # as soon as the last reference goes, not when garbage is collected
    try:
        del optimizer, model
        assert [each() for each in gone] == [None, None, None]
    finally:
        gc.enable()
    other = network()
    train(other, torch.optim.SGD(other.parameters(), lr=0.1))

    assert open_log(root / "Sequential-00").status == "finished"
    assert (rows(root, "Sequential-00") == weights).all()
    watch.end()


@pytest.mark.situation("`probes record`: a new optimizer for the same model, as after unfreezing", "works")
def test_a_new_optimizer_goes_on_with_the_run_of_its_model(watched, root, tap):
    watch, _ = watched(taps={TAP: tap})
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    first = train(model, optimizer)
    optimizer = torch.optim.Adam(model.parameters())
    second = train(model, optimizer)
    model.load_state_dict(network().state_dict())  # the best weights, say; they are no update

    watch.end()
    assert [log.manifest.run_id for log in open_logs(root)] == ["Sequential-00"]
    assert (rows(root, "Sequential-00") == np.concatenate([first, second[1:]])).all()


def test_an_optimizer_of_two_models_counts_in_the_run_of_each(watched, root, tap):
    watch, _ = watched(taps={TAP: tap})
    shared, other = network(), network()
    first = torch.optim.SGD(shared.parameters(), lr=0.1)
    both = torch.optim.SGD([*shared.parameters(), *other.parameters()], lr=0.1)
    train(shared, first, 1)
    weights = train(other, both, 2)

    watch.end()
    assert (rows(root, "Sequential-00")[-1] == shared[0].weight.detach().numpy()).all()
    assert (rows(root, "Sequential-01") == weights).all()


@pytest.mark.situation("`probes record`: optimizer in backward, one for each parameter", "works")
def test_optimizers_in_the_backward_pass_make_one_update(watched, root, tap):
    watch, _ = watched(taps={TAP: tap})
    model = network()
    optimizers = {each: torch.optim.SGD([each], lr=0.1) for each in model.parameters()}

    def update(parameter):
        optimizers[parameter].step()
        optimizers[parameter].zero_grad()

    for parameter in model.parameters():
        parameter.register_post_accumulate_grad_hook(update)
    seen = [model[0].weight.detach().clone()]
    for batch in range(3):
        loss_of(model, batch).backward()
        seen.append(model[0].weight.detach().clone())

    watch.end()
    assert (rows(root, "Sequential-00") == torch.stack(seen).numpy()).all()


@pytest.mark.situation("`probes record`: torch.compile of the first `optimizer.step`", "works")
def test_a_step_that_is_compiled_from_the_first_on(watched, root, tap):
    torch._dynamo.reset()
    watch, _ = watched(taps={TAP: tap})
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    weights = train(model, optimizer, 12, step=torch.compile(optimizer.step, backend="eager"))

    watch.end()
    assert (rows(root, "Sequential-00") == weights).all()


@pytest.mark.situation("`probes record`: torch.compile of model and whole training step", "works")
def test_a_training_step_that_is_compiled_from_the_first_on(watched, root, tap):
    torch._dynamo.reset()
    watch, _ = watched(taps={TAP: tap})
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    @torch.compile(backend="eager")
    def step(inputs):
        optimizer.zero_grad()
        model(inputs).square().mean().backward()
        optimizer.step()

    seen = [model[0].weight.detach().clone()]
    for _ in range(12):
        step(torch.randn(8, 6))
        seen.append(model[0].weight.detach().clone())
    watch.end()
    assert (rows(root, "Sequential-00") == torch.stack(seen).numpy()).all()
