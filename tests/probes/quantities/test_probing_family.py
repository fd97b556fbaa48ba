"""What holds of every quantity that looks at a probe batch."""

import json

import pytest
import torch
from torch import nn

from probes import ProbeBatch, quantities
from probes.log import open_log
from probes.models import Parameters
from probes.recording import Recorder
from probes.recording.costs import costs
from probes.schedules import every, first

pytestmark = pytest.mark.usefixtures("own_random_numbers")

INPUTS = torch.randn(12, 1, 6, 6, generator=torch.Generator().manual_seed(1))
LABELS = torch.arange(12) % 3
SCHEDULE = first(3) | every(4)
FAMILY = {
    "0.gradient_outer_product": lambda batch, **options: quantities.gradient_outer_product("0", batch, **options),
    "6.gradient_outer_product_correlation": lambda batch, **options: quantities.gradient_outer_product_correlation(
        "6", batch, power=0.5, **options
    ),
    "cartography": quantities.cartography,
    "first_learned": quantities.first_learned,
    "forgetting_events": quantities.forgetting_events,
    "gradient_noise": quantities.gradient_noise,
    "2.kernel_alignment": lambda batch, **options: quantities.kernel_alignment("2", batch, **options),
    "4.linear_probe": lambda batch, **options: quantities.linear_probe("4", batch, **options),
    "neural_collapse": lambda batch, **options: quantities.neural_collapse("6", batch, **options),
    "sample_losses": quantities.sample_losses,
    "sample_margins": quantities.sample_margins,
    "sharpness": lambda batch, **options: quantities.sharpness(batch, largest=2, **options),
    "sharpness.gauss_newton": lambda batch, **options: quantities.sharpness(batch, matrix="gauss_newton", **options),
    "tangent_kernel_alignment": quantities.tangent_kernel_alignment,
}


class Counted(nn.Module):
    """Counts in a buffer and in an attribute how often it is run."""

    def __init__(self):
        super().__init__()
        self.register_buffer("passes", torch.zeros(()))
        self.calls = 0

    def forward(self, inputs):
        self.passes += 1
        self.calls += 1
        return inputs


def training():
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), Counted(), nn.Flatten(), nn.Dropout(0.3)]
    model = nn.Sequential(*layers, nn.Linear(64, 3))
    return model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


def train(model, optimizer, steps=9):
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(model(torch.randn(8, 1, 6, 6)), torch.randint(0, 3, (8,))).backward()
        optimizer.step()


def recorder(path, make, **options):
    batch = ProbeBatch(INPUTS, LABELS)
    return Recorder(path, {}, quantities=[make(batch, schedule=SCHEDULE)], on_error="raise", **options)


def left(model, optimizer):
    """All that a training leaves behind, to the bit."""
    momenta = [one["momentum_buffer"] for one in optimizer.state.values()]
    tensors = [*model.state_dict().values(), *(one.grad for one in model.parameters()), *momenta, torch.get_rng_state()]
    return tensors, [module.training for module in model.modules()], model[3].calls


def same(one, two):
    assert all(map(torch.equal, one[0], two[0]))
    assert one[1:] == two[1:]


@pytest.mark.parametrize("name", FAMILY)
def test_a_training_ends_with_the_same_weights_buffers_gradients_and_random_numbers(tmp_path, name):
    plain = training()
    train(*plain)
    expected = left(*plain)
    model, optimizer = training()
    with recorder(tmp_path / "run", FAMILY[name]).attach(model, optimizer):
        train(model, optimizer)

    same(left(model, optimizer), expected)
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert open_log(tmp_path / "run")[name].steps.tolist() == [0, 1, 2, 3, 4, 8]


def test_all_of_them_share_one_run_and_change_nothing(tmp_path):
    plain = training()
    train(*plain)
    expected = left(*plain)
    model, optimizer = training()
    batch = ProbeBatch(INPUTS, LABELS, ids=range(12))
    family = [make(batch, schedule=SCHEDULE) for make in FAMILY.values()]
    with Recorder(tmp_path / "run", {}, quantities=family, on_error="raise").attach(model, optimizer):
        train(model, optimizer)

    same(left(model, optimizer), expected)
    log = open_log(tmp_path / "run")
    assert sorted(log.series) == sorted(FAMILY)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["batches"].keys() == {"probe"}


@pytest.mark.parametrize("name", FAMILY)
def test_a_resumed_run_has_the_values_of_an_uninterrupted_one_to_the_bit(tmp_path, name):
    model, optimizer = training()
    with recorder(tmp_path / "whole", FAMILY[name]).attach(model, optimizer):
        train(model, optimizer)

    model, optimizer = training()
    interrupted = recorder(tmp_path / "run", FAMILY[name]).attach(model, optimizer)
    train(model, optimizer, 3)
    saved, numbers = interrupted.state_dict(), torch.get_rng_state()
    torch.save(saved, tmp_path / "checkpoint.pt")
    interrupted.close("interrupted")
    resumed = recorder(tmp_path / "run", FAMILY[name], resume=True)
    resumed.load_state_dict(torch.load(tmp_path / "checkpoint.pt", weights_only=True))
    torch.set_rng_state(numbers)
    with resumed.attach(model, optimizer):
        train(model, optimizer, 6)

    one, two = (open_log(tmp_path / run)[name] for run in ("whole", "run"))
    assert one.steps.tolist() == two.steps.tolist()
    assert one[:].tobytes() == two[:].tobytes()


@pytest.mark.parametrize("name", FAMILY)
def test_a_model_in_training_mode_is_measured_as_one_in_evaluation_mode(name):
    model, _ = training()
    batch = ProbeBatch(INPUTS, LABELS)
    found = [FAMILY[name](batch)(quantities.State(0, Parameters(model.train(mode)), model)) for mode in (True, False)]

    assert torch.equal(*found)


@pytest.mark.parametrize("name", FAMILY)
def test_costs_are_known_before_the_first_step(name):
    model, _ = training()
    (cost,) = costs({}, model, steps=8, quantities=[FAMILY[name](ProbeBatch(INPUTS, LABELS))])

    sizes = {"dim": 9, "other_dim": 9, "kernel": 2, "sample": 12, "rank": 2 if name == "sharpness" else 1}
    sizes["measure"] = {"cartography": 3, "gradient_noise": 3}.get(name, 7)
    assert cost.shape == {axis: sizes[axis] for axis in cost.shape}
    assert cost.series == name
    assert cost.bytes == 9 * cost.step_bytes


class OutOfSight(nn.Module):
    """Detaches after two updates, but for those who train it."""

    def __init__(self):
        super().__init__()
        self.layer, self.updates = nn.Linear(36, 3), 0

    def forward(self, inputs):
        outputs = self.layer(inputs.flatten(1))
        return outputs if self.training or self.updates < 2 else outputs.detach()


def recorded_out_of_sight(path):
    model, batch = OutOfSight(), ProbeBatch(INPUTS, LABELS)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    both = [quantities.sharpness(batch), quantities.sample_losses(batch)]
    with Recorder(path, {}, quantities=both).attach(model, optimizer):
        for _ in range(4):
            nn.functional.cross_entropy(model(INPUTS), LABELS).backward()
            model.updates += 1
            optimizer.step()


def test_a_model_that_can_no_longer_be_differentiated_ends_that_series_with_its_reason(tmp_path):
    with pytest.warns(
        RuntimeWarning, match="`sharpness` is not recorded from step 2 on: UsageError: expected outputs with"
    ):
        recorded_out_of_sight(tmp_path / "run")

    log = open_log(tmp_path / "run")
    assert torch.tensor(log["sharpness"][:, 0]).isnan().tolist() == [False, False, True, True, True]
    assert not torch.tensor(log["sample_losses"][:]).isnan().any()
