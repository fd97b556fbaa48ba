import numpy as np
import pytest
import torch

from probes.directions import Directions
from probes.measuring import Pending, all_finite
from probes.quantities import Quantity, State, Tap, cosine, weight_norm

WEIGHTS = torch.randn(40, 3, 5, generator=torch.Generator().manual_seed(0))


def whole(state):
    """The parameter itself, not a copy."""
    return state.parameters["w"]


def measured(pending, steps):
    for step in steps:
        pending.measure(State(step, {"w": WEIGHTS[step]}))


def test_steps_come_out_as_they_went_in():
    pending = Pending([Quantity("w", ("neuron", "dim"), whole), weight_norm("w")])
    measured(pending, [0, 3, 4])
    steps, arrays = pending.taken()

    assert steps == [0, 3, 4]
    np.testing.assert_array_equal(arrays["w"], np.stack([WEIGHTS[step] for step in steps]))
    norms = [[float(row.square().sum().sqrt()) for row in WEIGHTS[step]] for step in steps]
    np.testing.assert_allclose(arrays["w.norm"], norms, rtol=1e-5)


def test_what_was_taken_waits_no_longer():
    pending = Pending([Quantity("w", ("neuron", "dim"), whole)])
    measured(pending, [0])
    pending.taken()
    measured(pending, [1])

    assert pending.taken()[0] == [1]
    assert pending.taken()[0] == []


def test_a_waiting_step_stays_as_it_was_when_the_parameter_goes_on():
    parameter = torch.zeros(2)
    pending = Pending([Quantity("w", ("neuron",), whole)])
    pending.measure(State(0, {"w": parameter}))
    parameter.fill_(1)

    assert pending.taken()[1]["w"].tolist() == [[0, 0]]


def test_sixteen_small_steps_are_due():
    pending = Pending([Quantity("w", ("neuron", "dim"), whole)])
    due = []
    for step in range(16):
        measured(pending, [step])
        due.append(pending.due)

    assert due == [False] * 15 + [True]


def test_one_large_step_is_due():
    pending = Pending([Quantity("w", ("neuron",), lambda state: torch.zeros(2**20))])
    measured(pending, [0])

    assert pending.due


def test_a_step_is_due_when_the_last_ones_were_taken_a_second_ago(monkeypatch):
    now = 5.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    pending = Pending([Quantity("w", ("neuron", "dim"), whole)])
    measured(pending, [0])
    assert not pending.due

    now = 6.5
    assert pending.due
    pending.taken()
    assert not pending.due


def test_another_shape_than_at_first_is_refused():
    pending = Pending([Quantity("w", ("neuron",), lambda state: torch.zeros(1 + state.step))])
    measured(pending, [0])
    with pytest.raises(ValueError, match=r"^expected `w` of shape \(1,\) as at its first step, got \(2,\)$"):
        measured(pending, [1])

    assert pending.taken()[0] == [0]


def correlation(dims=("neuron",), **layout):
    vectors = torch.randn(7, 5, generator=torch.Generator().manual_seed(1))
    return Tap(Directions(vectors), dims, **layout).quantity("w", WEIGHTS[0])


@pytest.mark.parametrize(
    "quantity", [correlation(), correlation(("token",)), weight_norm("w"), cosine("w", Directions(torch.eye(5)))]
)
def test_what_parameters_alone_decide_is_that_of_their_step(quantity):
    pending, parameter = Pending([quantity]), torch.empty(3, 5)
    for step in range(16):
        pending.measure(State(step, {"w": parameter.copy_(WEIGHTS[step])}))
    parameter.fill_(torch.nan)

    expected = [quantity(State(step, {"w": WEIGHTS[step]})) for step in range(16)]
    torch.testing.assert_close(torch.from_numpy(pending.taken()[1][quantity.name]), torch.stack(expected))


def test_the_bits_of_a_step_do_not_depend_on_how_many_wait_with_it():
    quantity = correlation()
    together, alone = Pending([quantity]), Pending([quantity])
    measured(together, range(16))
    one_by_one = []
    for step in range(16):
        measured(alone, [step])
        one_by_one.append(alone.taken()[1]["w"].copy())

    assert together.taken()[1]["w"].tobytes() == np.concatenate(one_by_one).tobytes()


def test_a_parameter_that_becomes_another_kind_is_measured_as_it_is():
    pending = Pending([correlation()])
    measured(pending, [0, 1, 2])
    pending.measure(State(3, {"w": WEIGHTS[3].double()}))
    measured(pending, [4])

    expected = [correlation()(State(step, {"w": WEIGHTS[step]})) for step in range(5)]
    torch.testing.assert_close(torch.from_numpy(pending.taken()[1]["w"]), torch.stack(expected))


def test_parameters_are_looked_up_in_the_order_of_the_quantities():
    names, seen = [f"layer.{number}.weight" for number in range(20)], []

    class Looked(dict):
        def __getitem__(self, name):
            seen.append(name)
            return WEIGHTS[0]

    pending = Pending([weight_norm(name) for name in names])
    for step in range(2):
        pending.measure(State(step, Looked()))

    assert seen == names * 4  # measured, copied, copied; room was made for them once


def test_large_parameters_are_measured_at_once(monkeypatch):
    monkeypatch.setattr("probes.measuring.copies._MOST_COPIED", WEIGHTS[0].nbytes - 1)
    seen = []
    pending = Pending([Quantity("w", (), lambda state: seen.append(state.step) or torch.zeros(()), reads=("w",))])
    measured(pending, range(3))

    assert seen == [0, 1, 2]


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_what_is_not_finite_is_found_along_the_first_axes(axes):
    array = WEIGHTS.numpy().copy()
    array[7, 1, 2], array[9, 0, 0] = np.nan, -np.inf
    expected = [bool(np.all(np.abs(array[index]) < np.inf)) for index in np.ndindex(*array.shape[:axes])]

    assert all_finite(array, axes=axes).ravel().tolist() == expected
