import pickle
import random
from contextlib import nullcontext, suppress
from shutil import rmtree

import numpy as np
import pytest
import torch

from probes.log import open_log
from probes.quantities import Quantity, weight_norm
from tests.probes.training import OPTIMIZERS, network, recorder, train

pytestmark = pytest.mark.usefixtures("own_random_numbers")


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_weights_and_random_numbers_are_the_same_without_the_recorder(path, optimizer):
    ends = []
    for recorded in (False, True):
        model, its_optimizer = network(optimizer)
        watching = recorder(path, quantities=[weight_norm("3.weight")])
        with watching.attach(model, its_optimizer) if recorded else nullcontext():
            train(model, its_optimizer, steps=20)
        chance = torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
        ends.append(([parameter.tolist() for parameter in model.parameters()], chance))

    assert ends[0] == ends[1]


def test_nothing_is_left_on_model_or_optimizer(path):
    model, optimizer = network()
    attached = recorder(path).attach(model, optimizer)
    assert pickle.loads(pickle.dumps(model)).state_dict().keys() == model.state_dict().keys()  # noqa: S301 - its own bytes
    train(model, optimizer)
    attached.close()
    attached.close()
    train(model, optimizer)

    assert not optimizer._optimizer_step_pre_hooks
    assert not optimizer._optimizer_step_post_hooks
    assert open_log(path).steps[-1] == 5


def test_a_weight_that_is_not_finite_ends_the_log_and_not_the_training(path):
    model, optimizer = network()
    with recorder(path).attach(model, optimizer) as diverged:
        train(model, optimizer, steps=3)
        model[0].weight.data[1, 2] = torch.nan
        with pytest.warns(RuntimeWarning, match="not finite") as told:
            train(model, optimizer, steps=20)
        diverged.log(loss=1.0)

    log = open_log(path)
    assert diverged.updates == 23
    assert log.steps.tolist() == [0, 1, 2, 3]
    assert (log.status, log.manifest.reason) == ("diverged", "`0.weight` is not finite at step 4")
    assert [str(one.message) for one in told] == [
        f"{path}: `0.weight` is not finite at step 4; the log ends before it, training goes on"
    ]


class Faulty:
    """A quantity's computation that fails at steps 2 and 3."""

    def __call__(self, state):
        if state.step in {2, 3}:
            raise LookupError("no luck")
        return torch.tensor(float(state.step))


def test_a_quantity_that_fails_ends_alone_and_training_goes_on(path):
    model, optimizer = network()
    with (
        pytest.warns(RuntimeWarning, match="no luck") as told,
        recorder(path, quantities=[Quantity("faulty", (), Faulty())], on_error="warn").attach(model, optimizer),
    ):
        train(model, optimizer)

    log = open_log(path)
    fault = "`faulty` is not recorded from step 2 on: LookupError: no luck"
    assert [str(one.message) for one in told] == [f"{path}: {fault}"]
    assert log.steps.tolist() == [0, 1, 2, 3, 4, 5]
    np.testing.assert_array_equal(log["faulty"][:], [0, 1, *[np.nan] * 4])
    assert np.isfinite(log["0.weight"][:]).all()
    assert (log.status, log.manifest.reason) == ("finished", fault)


def test_a_fault_is_raised_when_asked_for(path):
    model, optimizer = network()
    attached = recorder(path, quantities=[Quantity("faulty", (), Faulty())]).attach(model, optimizer)
    with attached, pytest.raises(LookupError, match=r"^no luck$"):
        train(model, optimizer)


def test_a_scalar_that_is_no_number_does_not_stop_training(path):
    model, optimizer = network()
    with recorder(path, on_error="warn").attach(model, optimizer) as logging:
        with pytest.warns(RuntimeWarning, match="a scalar could not be recorded, first at step 0: ValueError"):
            logging.log(loss="low")
        train(model, optimizer)

    assert open_log(path).steps[-1] == 5


def test_a_log_that_cannot_be_ended_is_told_and_can_be_ended_later(path):
    model, optimizer = network()
    attached = recorder(path, on_error="warn").attach(model, optimizer)
    train(model, optimizer)
    rmtree(path)
    with pytest.warns(RuntimeWarning, match="the end of the log could not be recorded, first at step 5: LogError"):
        attached.close()
    path.mkdir()
    attached.close()

    assert open_log(path).steps.tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(("error", "status"), [(ValueError, "failed"), (KeyboardInterrupt, "interrupted")])
def test_a_training_that_breaks_off_leaves_its_log_and_the_reason(path, error, status):
    model, optimizer = network()
    with suppress(error), recorder(path).attach(model, optimizer):
        train(model, optimizer, steps=2)
        raise error("two\nlines")

    log = open_log(path)
    assert log.steps.tolist() == [0, 1, 2]
    assert (log.status, log.manifest.reason) == (status, f"{error.__name__}: two")


def test_a_recorder_that_saw_no_update_says_so(path):
    model, _ = network()
    with pytest.warns(RuntimeWarning, match="no update") as told:
        recorder(path).attach(model).close()

    assert str(told[0].message) == (
        f"{path}: no update was seen; give `attach` the optimizer, or call `step` after every update"
    )
