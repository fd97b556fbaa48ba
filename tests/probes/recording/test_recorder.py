import re

import numpy as np
import pytest
import torch
from torch import nn

from probes.directions import Directions
from probes.errors import RunError, UsageError
from probes.log import open_log
from probes.quantities import Quantity, Tap, weight_norm
from probes.schedules import at, every
from tests.probes.training import DIRECTIONS, network, recorder, train

pytestmark = pytest.mark.usefixtures("own_random_numbers")


def correlations(model):
    """One sum per neuron and direction."""
    rows, vectors = model[0].weight.tolist(), DIRECTIONS.vectors.tolist()
    return [[[sum(map(float.__mul__, row, v)) for v in views] for views in vectors] for row in rows]


def test_every_update_is_recorded_from_initialisation_on(path):
    model, optimizer = network()
    expected = [correlations(model)]
    with recorder(path).attach(model, optimizer):
        for _ in range(5):
            train(model, optimizer, steps=1)
            expected.append(correlations(model))

    log = open_log(path)
    assert log.steps.tolist() == [0, 1, 2, 3, 4, 5]
    assert log["0.weight"].dims == ("step", "neuron", "feature_class", "view")
    np.testing.assert_allclose(log["0.weight"][:], expected, atol=1e-5)


def test_gradient_accumulation_and_evaluation_are_no_updates(path):
    model, optimizer = network()
    with recorder(path).attach(model, optimizer) as counted:
        for _ in range(3):
            model(torch.randn(8, 6)).sum().backward()
        optimizer.step()
        model.eval()(torch.randn(8, 6))

    assert counted.updates == 1
    assert open_log(path).steps.tolist() == [0, 1]


def test_only_steps_of_the_schedule_are_recorded_and_step_0(path):
    model, optimizer = network()
    with recorder(path, schedule=every(4) | at(5)).attach(model, optimizer):
        train(model, optimizer, steps=9)

    log = open_log(path)
    assert log.steps.tolist() == [0, 4, 5, 8]
    assert log.manifest.schedule == "every(4) | at(5)"


def test_a_loop_without_optimizer_calls_step(path):
    model, _ = network()
    with recorder(path).attach(model) as manual:
        for _ in range(2):
            with torch.no_grad():
                model[0].weight.mul_(2)
            manual.step()

    values = open_log(path)["0.weight"][:]
    np.testing.assert_allclose(values[2], 4 * values[0], rtol=1e-5)


def test_scalars_belong_to_the_step_they_are_logged_at(path):
    model, optimizer = network()
    losses = []
    with recorder(path).attach(model, optimizer) as logging:
        train(model, optimizer, 3, lambda loss: (losses.append(loss.item()), logging.log(loss=loss, rate=0.5)))

    scalars = open_log(path).scalars()
    assert scalars.index.tolist() == [0, 1, 2]
    np.testing.assert_allclose(scalars["loss"], losses, rtol=1e-6)


def test_a_convolution_and_a_tapped_stack_are_recorded_with_their_axes(path):
    model = nn.ModuleDict({"conv": nn.Conv1d(3, 5, 2), "theory": nn.ParameterList([torch.ones(2, 4, 6)])})
    taps = {"conv.weight": DIRECTIONS, "theory.*": Tap(DIRECTIONS, dims=("class", "neuron"))}
    with recorder(path, taps).attach(model) as manual:
        manual.step()

    log = open_log(path)
    assert log["conv.weight"].dims == ("step", "neuron", "feature_class", "view")
    assert log["conv.weight"].shape == (2, 5, 3, 2)
    assert log["theory.0"].dims == ("step", "class", "neuron", "feature_class", "view")


def test_further_quantities_are_recorded_beside_the_taps(path):
    model, optimizer = network()
    largest = Quantity("largest", (), lambda state: state.parameters["0.weight"].abs().max())
    with recorder(path, quantities=[weight_norm("0.weight"), largest]).attach(model, optimizer):
        train(model, optimizer)

    log = open_log(path)
    rows = model[0].weight.tolist()
    np.testing.assert_allclose(log["0.weight.norm"][-1], [sum(w * w for w in row) ** 0.5 for row in rows], rtol=1e-5)
    np.testing.assert_allclose(log["largest"][-1], max(abs(w) for row in rows for w in row), rtol=1e-6)


def test_the_manifest_tells_what_the_run_is(path):
    about = {"role": "distilled", "variant": "stopped", "parents": ("single-00",), "seeds": {"init": 3}}
    model, optimizer = network()
    with recorder(path, **about, null=False, recipe={"width": 4}).attach(model, optimizer):
        train(model, optimizer, steps=1)

    log = open_log(path)
    assert {name: getattr(log.manifest, name) for name in about} == about
    assert (log.manifest.run_id, log.manifest.recipe, log.status) == ("run", {"width": 4}, "finished")
    assert log.directions().sha256 == log.manifest.directions == DIRECTIONS.sha256


def test_several_recorders_share_an_optimizer(tmp_path):
    model, optimizer = network()
    with (
        recorder(tmp_path / "a").attach(model, optimizer),
        recorder(tmp_path / "b", {"3.weight": Directions(torch.eye(4))}).attach(model, optimizer),
    ):
        train(model, optimizer)

    assert [open_log(tmp_path / name).steps[-1] for name in "ab"] == [5, 5]


def test_attaching_again_changes_nothing(path):
    model, optimizer = network()
    with recorder(path).attach(model, optimizer) as attached:
        assert attached.attach(model, optimizer) is attached
        train(model, optimizer, steps=2)

    assert open_log(path).steps.tolist() == [0, 1, 2]


def test_an_existing_run_is_kept_unless_it_may_be_overwritten(path):
    model, optimizer = network()
    for steps, options in ((3, {}), (2, {"overwrite": True})):
        with recorder(path, **options).attach(model, optimizer):
            train(model, optimizer, steps)
    with pytest.raises(RunError, match="expected no run at"):
        recorder(path).attach(model, optimizer)

    assert open_log(path).steps.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda it, *_: it.step(), "expected `{}` to be attached; call `attach(model, optimizer)` first"),
        (lambda it, *_: it.log(a=1), "expected `{}` to be attached; call `attach(model, optimizer)` first"),
        (
            lambda it, *subject: it.attach(*subject).step(),
            "expected `{}` attached without an optimizer: its updates are counted already",
        ),
        (
            lambda it, *subject: it.attach(*subject).attach(nn.Linear(6, 2)),
            "expected one model for `{}`, which is attached already; make a second Recorder",
        ),
    ],
)
def test_a_call_out_of_turn_is_refused(path, call, message):
    called = recorder(path, on_error="warn")
    with pytest.raises(UsageError, match="expected") as refused:
        call(called, *network())
    called.close("interrupted")

    assert str(refused.value) == message.format(path)


def test_what_does_not_fit_is_refused_before_a_run_is_made(path):
    for taps in ({"9.weight": DIRECTIONS}, {"3.weight": DIRECTIONS}):
        with pytest.raises(UsageError, match=r"9\.weight|dim 4 for `3\.weight`"):
            recorder(path, taps).attach(*network())

    assert not path.exists()


def test_an_unknown_policy_is_refused(path):
    with pytest.raises(ValueError, match=r'^expected `on_error` "warn" or "raise", got \'ignore\'$'):
        recorder(path, on_error="ignore")


def test_what_recording_cost_is_told_at_the_end_and_kept(path, caplog):
    model, optimizer = network()
    with caplog.at_level("INFO", "probes"), recorder(path).attach(model, optimizer):
        train(model, optimizer, steps=20)
    manifest = open_log(path).manifest

    assert 0 < manifest.recording_seconds < manifest.wall_seconds
    assert re.fullmatch(
        rf"{path}: 21 rows, 0\.0 MB written, \d\.\d\d s of \d\.\d\d s in recording \(\d+\.\d%\)", caplog.messages[0]
    )


def test_a_number_can_be_logged_at_an_earlier_step_under_any_name(path):
    model, optimizer = network()
    with recorder(path).attach(model, optimizer) as attached:
        train(model, optimizer, 3)
        attached.log(1, step=0.5)

    assert open_log(path).scalars().step.to_dict() == {1: 0.5}


@pytest.mark.parametrize(
    ("options", "expected"), [({}, ["0.weight", "0.weight.null"]), ({"null": False}, ["0.weight"])]
)
def test_the_null_stands_beside_a_tap_unless_it_is_not_wanted(path, options, expected):
    model, optimizer = network()
    with recorder(path, **options).attach(model, optimizer):
        train(model, optimizer)

    log = open_log(path)
    assert [(name, one.quantity) for name, one in log.series.items()] == list(
        zip(expected, ["correlation", "null"], strict=False)
    )
    assert log.directions().sha256 == DIRECTIONS.sha256
    if not options:
        weight, unit = model[0].weight.detach().double(), torch.tensor(log.directions("0.weight.null").vectors).double()
        strength = [sum(abs(float(row @ vector)) for row in weight) for vector in unit]
        assert log["0.weight.null"][-1:][0, :, 0].tolist() == pytest.approx(strength, rel=1e-5)
