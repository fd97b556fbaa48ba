"""Quantities that have schedules of their own beside taps, in one run; the same is computed by a loop of the user's."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from probes.directions import Directions
from probes.log import open_log
from probes.log.manifest import Manifest
from probes.log.verification.findings import faults
from probes.quantities import Quantity, activations, update_terms, weight_norm
from probes.recording import StackedRecorder
from probes.schedules import at, every, logarithmic
from tests.probes.training import DIRECTIONS, network, recorder, train

pytestmark = pytest.mark.usefixtures("own_random_numbers")

STEPS = 50


def weights_by_step(optimizer="SGD"):
    """The first weight after every update, without a recorder."""
    model, trained = network(optimizer)
    found = [model[0].weight.detach().clone()]
    for _ in range(STEPS):
        train(model, trained, 1)
        found.append(model[0].weight.detach().clone())
    return torch.stack(found)


def costly(state):
    return torch.linalg.svdvals(state.parameters["0.weight"])


def squares(state):
    return state.parameters["w"].square().sum((2, 3))


def own(schedule, **facts):
    return Quantity("spectrum", ("rank",), costly, schedule=schedule, **facts)


@pytest.mark.parametrize("run", [every(1), every(10), at(13, 14)])
@pytest.mark.parametrize("schedule", [every(4), logarithmic(3), at(50), every(1)])
@pytest.mark.parametrize("reads", [(), ("0.weight",)])
def test_each_series_has_rows_at_the_steps_of_its_schedule(path, run, schedule, reads):
    model, optimizer = network()
    quantities = [own(schedule, reads=reads), weight_norm("3.weight")]
    with recorder(path, quantities=quantities, schedule=run).attach(model, optimizer):
        train(model, optimizer, STEPS)

    log, weights = open_log(path), weights_by_step()
    steps = [step for step in range(STEPS + 1) if step == 0 or schedule(step)]
    common = [step for step in range(STEPS + 1) if step == 0 or run(step)]
    assert log["spectrum"].steps.tolist() == steps
    assert log.steps.tolist() == log["0.weight"].steps.tolist() == log["3.weight.norm"].steps.tolist() == common
    np.testing.assert_array_equal(
        log["spectrum"][:], torch.stack([torch.linalg.svdvals(weights[one]) for one in steps])
    )
    products = torch.einsum("snd,fvd->snfv", weights[common], DIRECTIONS.vectors)
    np.testing.assert_allclose(log["0.weight"][:], products, rtol=1e-5, atol=1e-6)
    assert (log.status, log.manifest.reason, list(faults(path))) == ("finished", "", [])


def test_a_quantity_is_measured_at_its_steps_alone(path):
    model, optimizer = network()
    seen = []

    def look(state):
        seen.append(state.step)
        return torch.tensor(0.0)

    with recorder(path, quantities=[Quantity("seen", (), look, schedule=every(20))]).attach(model, optimizer):
        train(model, optimizer, STEPS)

    assert seen == [0, 20, 40]


def test_training_is_the_same_with_a_costly_quantity(path):
    model, optimizer = network()
    shown = activations("1", torch.ones(3, 6), Directions(torch.eye(4)), schedule=every(3))
    with recorder(path, quantities=[shown]).attach(model, optimizer):
        train(model, optimizer, STEPS)

    assert torch.equal(model[0].weight.detach(), weights_by_step()[-1])


def test_own_rows_that_fill_their_room_are_written_before_the_others_wait(path):
    model, optimizer = network()
    wide = Quantity("wide", ("value",), lambda state: torch.full((2**20,), float(state.step)), schedule=every(2))
    with recorder(path, quantities=[wide]).attach(model, optimizer):
        train(model, optimizer, 9)

    assert open_log(path)["wide"][:, 7].tolist() == [0, 2, 4, 6, 8]
    assert open_log(path).steps.tolist() == list(range(10))


def test_runs_side_by_side_have_rows_at_the_steps_of_each_schedule(tmp_path):
    weights = torch.randn(31, 2, 3, 4, 6, generator=torch.Generator().manual_seed(0))
    rare = Quantity("size", ("run", "class"), squares, schedule=every(7))
    paths = [tmp_path / name for name in ("a", "b")]
    manifests = [Manifest(name, ()) for name in ("a", "b")]
    options = {"quantities": [rare], "schedule": every(2)}
    with StackedRecorder(paths, {"w": DIRECTIONS}, manifests, **options) as stacked:
        for step in range(31):
            stacked.step(step, {"w": weights[step]})
            if step == 13:
                stacked.close_run(0, "finished")

    for run, last in ((0, 13), (1, 30)):
        log = open_log(paths[run])
        assert log["size"].steps.tolist() == list(range(0, last + 1, 7))
        assert log.steps.tolist() == list(range(0, last + 1, 2))
        expected = [[float(part.square().sum()) for part in weights[step, run]] for step in range(0, last + 1, 7)]
        np.testing.assert_allclose(log["size"][:], expected, rtol=1e-5)


def test_a_group_of_runs_that_begins_between_recorded_steps_has_own_rows(tmp_path):
    rare = Quantity("size", ("run",), lambda state: state.parameters["w"].sum((1, 2, 3)), schedule=at(3, 4))
    paths, manifests = [tmp_path / "a", tmp_path / "b"], [Manifest("a", ()), Manifest("b", ())]
    weights = torch.ones(2, 3, 4, 6)
    with StackedRecorder(paths, {"w": DIRECTIONS}, manifests, quantities=[rare], schedule=every(5)) as stacked:
        stacked.step(0, {"w": weights})
        for step in range(1, 7):  # the first run has left by then
            stacked.step(step, {"w": step * weights[:1]}, runs=[1])

    assert (open_log(paths[0])["size"].steps.tolist(), open_log(paths[1])["size"].steps.tolist()) == ([0], [0, 3, 4])
    assert open_log(paths[1])["size"][:].tolist() == [72, 216, 288]
    assert open_log(paths[1]).steps.tolist() == [0, 5]


def test_terms_of_an_update_are_those_of_the_steps_that_are_due(path):
    model, _ = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    terms = update_terms("0.weight", DIRECTIONS, terms=["fit"], optimizer=optimizer)
    weights = []
    with recorder(path, quantities=[replace(terms, schedule=every(3))], schedule=every(2)).attach(
        model, optimizer
    ) as one:
        for _ in range(13):
            weights.append(model[0].weight.detach().clone())
            optimizer.zero_grad()
            loss = model(torch.randn(8, 6)).square().mean()
            one.split(fit=loss)
            loss.backward()
            optimizer.step()

    found = open_log(path)["0.weight.update"]
    assert found.steps.tolist() == [0, 3, 6, 9, 12]
    moved = [
        torch.einsum("nd,fvd->nfv", weights[step] - weights[step - 1], DIRECTIONS.vectors) for step in (3, 6, 9, 12)
    ]
    np.testing.assert_allclose(found[1:].sum(1), torch.stack(moved), atol=1e-6)
