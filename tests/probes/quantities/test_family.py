import math

import pytest
import torch
from torch import nn

from probes.directions import Directions
from probes.errors import UsageError
from probes.log import open_log
from probes.quantities import State, Tap, activations, cosine, distance_from_start, gradient, update_terms
from probes.recording import Recorder

pytestmark = pytest.mark.usefixtures("own_random_numbers")
DIRECTIONS = Directions(torch.randn(3, 2, 6, generator=torch.Generator().manual_seed(0)))
STEPS = 12


def products(rows):
    """Loops over neurons and directions."""
    return [
        [
            [math.fsum(w * d for w, d in zip(row, v.tolist(), strict=True)) for v in views]
            for views in DIRECTIONS.vectors
        ]
        for row in rows.tolist()
    ]


def close(found, expected, atol=1e-5):
    torch.testing.assert_close(
        torch.as_tensor(found), torch.as_tensor(expected, dtype=torch.float32), atol=atol, rtol=0
    )


def test_a_cosine_is_the_product_of_unit_vectors():
    weight = torch.randn(4, 3, 2)
    found = cosine("w", DIRECTIONS)(State(0, {"w": weight}))
    units = DIRECTIONS.vectors / torch.linalg.vector_norm(DIRECTIONS.vectors, dim=-1, keepdim=True)
    for r, j, v in torch.cartesian_prod(torch.arange(4), torch.arange(3), torch.arange(2)).tolist():
        flat = weight[r].flatten()
        assert found[r, j, v].item() == pytest.approx((flat / flat.norm() @ units[j, v]).item(), abs=1e-6)


def test_the_distance_is_that_from_the_first_look():
    start, now = torch.randn(4, 3, 2), torch.randn(4, 3, 2)
    moved = distance_from_start("w")
    moved(State(0, {"w": start}))

    close(moved(State(7, {"w": now})), [math.dist(a.flatten(), b.flatten()) for a, b in zip(start, now, strict=True)])
    close(distance_from_start("w", start=start)(State(7, {"w": now})), moved(State(7, {"w": now})))


def test_a_distance_without_its_start_is_refused():
    with pytest.raises(UsageError) as refused:
        distance_from_start("w")(State(7, {"w": torch.ones(2, 2)}))

    assert str(refused.value) == (
        "expected to see `w` at step 0 first, got step 7; give `distance_from_start` its `start`, the value at step 0"
    )


def trained(path, quantities, **options):
    """A plain-SGD training with two terms in its loss; gives the log and what moved the weight, update by update."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.3)
    rows = {"weight": [model[0].weight.detach().clone()], "gradient": [torch.zeros(4, 6)]}
    recorder = Recorder(path, {"0.weight": DIRECTIONS}, quantities=quantities(optimizer), on_error="raise", **options)
    with recorder.attach(model, optimizer):
        for _ in range(STEPS):
            output = model(torch.randn(8, 6))
            fit, size = output.sub(1).square().mean(), 0.2 * output.abs().mean()
            optimizer.zero_grad()
            recorder.split(fit=fit, size=size)
            (fit + size).backward()
            rows["gradient"].append(model[0].weight.grad.clone())
            optimizer.step()
            rows["weight"].append(model[0].weight.detach().clone())
    return open_log(path), rows


def test_a_gradient_is_recorded_with_the_update_it_led_to(tmp_path):
    log, rows = trained(tmp_path / "run", lambda _: [gradient("0.weight", DIRECTIONS)])
    close(log["0.weight.gradient"][:], [products(row) for row in rows["gradient"]])


def test_the_terms_of_an_update_add_up_to_the_movement(tmp_path):
    log, _ = trained(
        tmp_path / "run", lambda sgd: [update_terms("0.weight", DIRECTIONS, terms=["fit", "size"], optimizer=sgd)]
    )
    terms, weight = torch.tensor(log["0.weight.update"][:]), torch.tensor(log["0.weight"][:])

    assert log.series["0.weight.update"].labels["term"] == ("fit", "size", "weight_decay")
    torch.testing.assert_close(terms[1:].sum(1), weight.diff(dim=0), atol=1e-6, rtol=0)
    torch.testing.assert_close(terms[1:, 2], -0.1 * 0.3 * weight[:-1], atol=1e-6, rtol=0)
    assert terms[1:, 0].abs().max() > 0.003 < terms[1:, 1].abs().max()


def test_only_recorded_updates_are_split(tmp_path):
    from probes.schedules import every

    log, _ = trained(
        tmp_path / "run",
        lambda sgd: [update_terms("0.weight", DIRECTIONS, terms=["fit", "size"], optimizer=sgd)],
        schedule=every(5),
    )
    assert log.steps.tolist() == [0, 5, 10]


def test_splitting_an_update_changes_no_weight(tmp_path):
    torch.manual_seed(0)
    _, plain = trained(tmp_path / "plain", lambda _: [])
    torch.manual_seed(0)
    _, split = trained(
        tmp_path / "split", lambda sgd: [update_terms("0.weight", DIRECTIONS, terms=["fit", "size"], optimizer=sgd)]
    )

    assert all(torch.equal(one, other) for one, other in zip(plain["weight"], split["weight"], strict=True))


def test_an_update_that_mixes_steps_cannot_be_split():
    parameters = [nn.Parameter(torch.ones(2, 6))]
    for optimizer, told in (
        (torch.optim.Adam(parameters), "expected plain SGD, whose update is a sum over terms, got Adam"),
        (
            torch.optim.SGD(parameters, lr=0.1, momentum=0.9),
            "expected SGD without momentum and maximize, got one with; its update mixes several steps",
        ),
    ):
        with pytest.raises(UsageError) as refused:
            update_terms("weight", DIRECTIONS, terms=["fit"], optimizer=optimizer)
        assert str(refused.value) == told


def one_update(path, quantities, before_update=lambda recorder, loss: None, after=lambda optimizer: None):
    model = nn.Linear(6, 4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Recorder(path, {}, quantities=quantities(optimizer), on_error="raise").attach(model, optimizer) as recorder:
        loss = model(torch.ones(1, 6)).sum()
        before_update(recorder, loss)
        loss.backward()
        after(optimizer)
        optimizer.step()


def test_terms_that_were_not_handed_over_are_missed(tmp_path):
    def quantities(sgd):
        return [update_terms("weight", DIRECTIONS, terms=["fit"], optimizer=sgd)]

    with pytest.raises(UsageError, match=r"^expected `recorder\.split\(fit=\.\.\.\)` before the update$"):
        one_update(tmp_path / "none", quantities)
    with pytest.raises(UsageError, match=r"^expected the terms fit of `weight\.update`, got loss$"):
        one_update(tmp_path / "other", quantities, lambda recorder, loss: recorder.split(loss=loss))


def test_a_gradient_that_is_gone_is_missed(tmp_path):
    with pytest.raises(UsageError) as refused:
        one_update(tmp_path / "run", lambda _: [gradient("weight", DIRECTIONS)], after=lambda sgd: sgd.zero_grad())

    assert str(refused.value) == (
        "expected a gradient of `weight` after update 1, got None; call `zero_grad` before the backward pass instead "
        "of after the update"
    )


def test_activations_are_those_of_the_model_in_evaluation_mode():
    model = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.Dropout(), nn.Linear(6, 6))
    model(torch.randn(9, 6))
    inputs = torch.randn(5, 6)
    found = activations("2", inputs, DIRECTIONS)(State(3, {}, model))

    assert model.training
    close(found, products(model.eval()[:3](inputs).detach()))


def test_a_module_that_is_not_there_is_named():
    with pytest.raises(UsageError, match=r"^expected a module of the model, one of 0, 1; got `encoder`$"):
        activations("encoder", torch.ones(1, 6), DIRECTIONS)(State(0, {}, nn.Sequential(nn.Linear(6, 6), nn.ReLU())))


@pytest.mark.parametrize("make", [cosine, gradient])
def test_quantities_of_a_tap_have_its_axes_and_name(make):
    tap = Tap(DIRECTIONS, ("class", "neuron"), suffix=".planted")
    quantity = make("w", tap)

    assert quantity.dims == tap.axes
    assert quantity.name == f"w.{make.__name__}.planted"
    assert quantity.directions.sha256 == DIRECTIONS.sha256
