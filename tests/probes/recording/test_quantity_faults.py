"""What a quantity of a user's own can do wrong in the middle of a training, which ends its series and nothing else."""

import numpy as np
import pytest
import torch

from probes.log import open_log
from probes.quantities import Quantity
from probes.schedules import every
from tests.probes.recording.test_resuming import cut_off, go_on
from tests.probes.training import network, recorder, train

pytestmark = pytest.mark.usefixtures("own_random_numbers")


def raising():
    raise LookupError("no luck")


KINDS = {
    "raises": (raising, "LookupError: no luck"),
    "shape": (lambda: torch.ones(3), "ValueError: expected `own` of shape (2,) as at its first step, got (3,)"),
    "no axes": (lambda: torch.tensor(1.0), "ValueError: expected `own` of shape (2,) as at its first step, got ()"),
    "whole numbers": (
        lambda: torch.ones(2, dtype=torch.int64),
        "TypeError: expected `own` of torch.float32 as at its first step, got torch.int64",
    ),
    "complex": (
        lambda: torch.ones(2, dtype=torch.complex64),
        "TypeError: expected `own` of torch.float32 as at its first step, got torch.complex64",
    ),
    "no tensor": (lambda: [1.0, 2.0], "TypeError: expected `own` of torch.float32 as at its first step, got list"),
    "nothing": (lambda: None, "TypeError: expected `own` of torch.float32 as at its first step, got NoneType"),
}
WAYS = {"at once": {}, "later": {"reads": ("0.weight",)}, "own schedule": {"schedule": every(2)}}


def faulty(result, **facts):
    """A quantity that is wrong at steps 4 and 5."""
    return Quantity("own", ("what",), lambda state: result() if state.step in {4, 5} else torch.ones(2), **facts)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_series_ends_with_its_reason_and_the_others_go_on(path, kind, way):
    result, reason = KINDS[kind]
    model, optimizer = network()
    quantities = [faulty(result, **WAYS[way]), Quantity("count", (), lambda state: torch.tensor(float(state.step)))]
    with (
        pytest.warns(RuntimeWarning, match="is not recorded from step 4 on") as told,
        recorder(path, quantities=quantities, on_error="warn").attach(model, optimizer),
    ):
        train(model, optimizer, 8)

    log, fault = open_log(path), f"`own` is not recorded from step 4 on: {reason}"
    assert [str(one.message) for one in told] == [f"{path}: {fault}"]
    assert (log.status, log.manifest.reason) == ("finished", fault)
    ended = log["own"].steps >= 4
    assert np.isnan(log["own"][:][ended]).all()
    assert (log["own"][:][~ended] == 1).all()
    assert log["count"][:].tolist() == list(range(9))
    assert np.isfinite(log["0.weight"][:]).all()


@pytest.mark.parametrize("way", WAYS)
def test_nan_is_a_value_where_the_weights_are_finite(path, way):
    def undefined(state):
        return torch.tensor([torch.nan if state.step in {4, 5} else 1.0, torch.inf if state.step == 8 else 2.0])

    model, optimizer = network()
    with (
        pytest.warns(RuntimeWarning, match="not finite") as told,
        recorder(path, quantities=[Quantity("own", ("what",), undefined, **WAYS[way])]).attach(model, optimizer),
    ):
        train(model, optimizer, 40)

    log = open_log(path)
    expected = [[np.nan if step in {4, 5} else 1, np.inf if step == 8 else 2] for step in log["own"].steps]
    np.testing.assert_array_equal(log["own"][:], expected)
    noted = "`own` is not finite at step 4, and the weights are; it is recorded as it is"
    assert [str(one.message) for one in told] == [f"{path}: {noted}"]
    assert (log.status, log.manifest.reason, log.steps[-1]) == ("finished", noted, 40)


def test_nan_alone_is_a_value_too(path):
    model, optimizer = network()
    own = Quantity("own", (), lambda state: torch.tensor(torch.nan if state.step == 1 else 0.0))
    with recorder(path, taps={"0.bias": []}, quantities=[own]).attach(model, optimizer) as only:
        train(model, optimizer, 2)
        with pytest.warns(RuntimeWarning, match="not finite"):
            only.state_dict()
        train(model, optimizer, 2)

    np.testing.assert_array_equal(open_log(path)["own"][:], [0, np.nan, 0, 0, 0])


def test_weights_that_diverge_later_end_the_log_all_the_same(path):
    model, optimizer = network()
    own = Quantity("own", (), lambda state: torch.tensor(torch.nan if state.step == 1 else 0.0))
    with recorder(path, quantities=[own], on_error=lambda text: None).attach(model, optimizer):
        train(model, optimizer, 16)
        model[0].weight.data.fill_(torch.nan)
        train(model, optimizer, 16)

    assert open_log(path).status == "diverged"
    assert open_log(path)["own"].steps.tolist() == list(range(17))


def test_a_series_that_has_ended_stays_so_in_a_resumed_run(path):
    with pytest.warns(RuntimeWarning, match="no luck"):
        checkpoint = cut_off(path, quantities=[faulty(raising)], on_error="warn")
    log = go_on(path, checkpoint, 8, attach_first=False, quantities=[faulty(raising)], on_error="warn")

    assert log.manifest.reason == "`own` is not recorded from step 4 on: LookupError: no luck"
    assert np.isnan(log["own"][4:]).all()
    assert log.steps.tolist() == list(range(21))


@pytest.mark.parametrize(
    ("quantity", "message"),
    [
        (Quantity("own", (), lambda state: 1.0), "expected a tensor of `own`, got float; `torch.as_tensor` makes one"),
        (
            Quantity("own", (), lambda state: torch.tensor(0.5), dtype="<i8"),
            'expected values of `own` that its dtype "<i8" holds, got torch.float32; convert them, or declare another',
        ),
        (
            Quantity("own", (), lambda state: torch.tensor(1j)),
            'expected values of `own` that its dtype "<f4" holds, got torch.complex64; convert them, or declare '
            "another",
        ),
    ],
)
def test_what_does_not_fit_at_the_first_look_is_refused(path, quantity, message):
    with pytest.raises(TypeError) as error:
        recorder(path, quantities=[quantity]).attach(*network())

    assert str(error.value) == message
