from copy import deepcopy

import numpy as np
import pytest
import torch

from probes.errors import RunError, UsageError
from probes.log import open_log
from probes.schedules import every
from tests.probes.training import network, recorder, train

pytestmark = pytest.mark.usefixtures("own_random_numbers")


def uninterrupted(path, steps=30, **options):
    model, optimizer = network()
    with recorder(path, **options).attach(model, optimizer) as whole:
        train(model, optimizer, steps, before_update=lambda loss: whole.log(loss=loss))
    return open_log(path)


def cut_off(path, at=12, until=20, **options):
    """A run that goes on a while after its checkpoint and is then forgotten, as a killed process forgets it."""
    model, optimizer = network()
    cut = recorder(path, **options).attach(model, optimizer)
    train(model, optimizer, at, before_update=lambda loss: cut.log(loss=loss))
    random_numbers = torch.get_rng_state()
    saved = [model.state_dict(), optimizer.state_dict(), cut.state_dict()]
    torch.save([*saved, random_numbers], path.parent / "checkpoint")
    train(model, optimizer, until - at, before_update=lambda loss: cut.log(loss=loss))
    cut.close("interrupted")
    return torch.load(path.parent / "checkpoint", weights_only=True)


def go_on(path, checkpoint, steps, *, attach_first, **options):
    model, optimizer = network()
    weights, moments, position, random_numbers = deepcopy(checkpoint)  # the optimizer takes tensors over
    again = recorder(path, resume=True, **options)
    for first in (attach_first, not attach_first):
        if first:
            again.attach(model, optimizer)
        else:
            model.load_state_dict(weights)
            optimizer.load_state_dict(moments)
            again.load_state_dict(position)
    torch.set_rng_state(random_numbers)
    with again:
        train(model, optimizer, steps, before_update=lambda loss: again.log(loss=loss))
    return open_log(path)


def same(log, other):
    np.testing.assert_array_equal(log.steps, other.steps)
    np.testing.assert_array_equal(log["0.weight"][:], other["0.weight"][:])
    assert log.scalars().equals(other.scalars())
    assert log.faults == ()


@pytest.mark.parametrize("attach_first", [True, False])
@pytest.mark.parametrize("schedule", [every(1), every(5)])
def test_a_resumed_run_ends_with_the_log_of_an_uninterrupted_one(tmp_path, path, attach_first, schedule):
    checkpoint = cut_off(path, schedule=schedule)
    resumed = go_on(path, checkpoint, 18, attach_first=attach_first, schedule=schedule)

    same(resumed, uninterrupted(tmp_path / "whole" / path.name, schedule=schedule))
    assert resumed.manifest.attempts == (12,)


def test_a_run_can_be_resumed_again_and_again(tmp_path, path):
    checkpoint = cut_off(path)
    for _ in range(3):
        go_on(path, checkpoint, 7, attach_first=True)

    same(go_on(path, checkpoint, 18, attach_first=True), uninterrupted(tmp_path / "whole" / path.name))


def test_without_a_state_the_run_begins_anew_with_the_first_update(path):
    cut_off(path)
    model, optimizer = network()
    with recorder(path, resume=True).attach(model, optimizer):
        assert len(open_log(path).steps) == 21
        train(model, optimizer, 3)

    assert open_log(path).steps.tolist() == [0, 1, 2, 3]
    assert open_log(path).manifest.attempts == (-1,)


def test_a_resumed_recorder_that_sees_no_update_leaves_the_log_alone(path):
    cut_off(path)
    model, optimizer = network()
    with pytest.warns(RuntimeWarning, match="no update was seen"), recorder(path, resume=True).attach(model, optimizer):
        pass

    assert len(open_log(path).steps) == 21


def test_where_there_is_no_run_resuming_begins_one(path):
    assert uninterrupted(path, resume=True).manifest.attempts == ()


def test_a_training_can_go_back_to_its_checkpoint_within_one_process(tmp_path, path):
    model, optimizer = network()
    with recorder(path).attach(model, optimizer) as back:
        train(model, optimizer, 12, before_update=lambda loss: back.log(loss=loss))
        saved, random_numbers = back.state_dict(), torch.get_rng_state()
        weights = {name: value.clone() for name, value in model.state_dict().items()}
        moments = [state["momentum_buffer"].clone() for state in optimizer.state.values()]
        train(model, optimizer, 5)
        model.load_state_dict(weights)
        for state, moment in zip(optimizer.state.values(), moments, strict=True):
            state["momentum_buffer"] = moment
        back.load_state_dict(saved)
        torch.set_rng_state(random_numbers)
        train(model, optimizer, 18, before_update=lambda loss: back.log(loss=loss))

    same(open_log(path), uninterrupted(tmp_path / "whole" / path.name))


def test_a_diverged_run_stays_ended_after_its_checkpoint(path):
    model, optimizer = network()
    first = recorder(path).attach(model, optimizer)
    train(model, optimizer, 2)
    with torch.no_grad():
        model[0].weight.fill_(torch.nan)
    train(model, optimizer, 1)
    with pytest.warns(RuntimeWarning, match="is not finite at step 3"):
        state = first.state_dict()
    again = recorder(path, resume=True)
    again.load_state_dict(state)
    with again.attach(*network()):
        pass

    assert (open_log(path).status, open_log(path).steps.tolist()) == ("diverged", [0, 1, 2])


def test_the_state_of_another_run_is_refused(tmp_path, path):
    state = cut_off(path)[2]
    with pytest.raises(UsageError) as error:
        recorder(tmp_path / "other").load_state_dict(state)

    assert str(error.value) == f"expected the state of run `other`, got that of `{path.name}`"


def test_the_state_of_an_earlier_run_of_that_name_is_refused(path):
    old = cut_off(path)[2]
    new = cut_off(path, overwrite=True)[2]
    again = recorder(path)
    again.load_state_dict(old)
    with pytest.raises(RunError) as error:
        again.attach(*network())

    assert str(error.value) == (
        f"expected the run of {old['created']} at `{path}`, got one of {new['created']}; record into another "
        "directory, or leave the checkpoint"
    )


def test_what_is_no_state_is_refused(path):
    with pytest.raises(ValueError, match="state_dict") as error:
        recorder(path).load_state_dict({"step": 3})

    assert str(error.value) == "expected a recorder's `state_dict`, got one of step"


def test_a_state_needs_an_attached_recorder(path):
    with pytest.raises(UsageError, match="to be attached; call"):
        recorder(path).state_dict()


def test_a_run_can_be_gone_on_with_from_its_end(tmp_path, path):
    model, optimizer = network()
    with recorder(path).attach(model, optimizer) as ended:
        train(model, optimizer, 18)
    with recorder(path) as again:
        again.load_state_dict(ended.state_dict())
        again.attach(model, optimizer)
        train(model, optimizer, 12)

    log, whole = open_log(path), uninterrupted(tmp_path / "whole" / path.name)
    np.testing.assert_array_equal(log["0.weight"][:], whole["0.weight"][:])
    assert (log.manifest.attempts, log.faults) == ((18,), ())
