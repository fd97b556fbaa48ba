import pytest
import torch
from torch import nn

from probes.errors import UsageError
from probes.models import Parameters


class Wrapper(nn.Module):
    """Names parameters as `DistributedDataParallel` does."""

    def __init__(self, module):
        super().__init__()
        self.module = module


def compiled(model):
    return torch.compile(model, backend="eager")


def network():
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2, bias=False))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: model,
        Wrapper,
        compiled,
        lambda model: Wrapper(compiled(model)),
        lambda model: compiled(Wrapper(model)),
        lambda model: nn.Sequential(compiled(model[0]), *model[1:]),
    ],
)
def test_wrappers_leave_the_names_as_they_were(wrap):
    model = network()
    parameters = Parameters(wrap(model))

    assert list(parameters) == ["0.weight", "0.bias", "2.weight"]
    assert all(torch.equal(parameters[name], model.get_parameter(name)) for name in parameters)


def test_a_submodule_called_module_is_no_wrapper():
    model = Wrapper(nn.Linear(3, 2))
    model.head = nn.Linear(2, 2)

    assert next(iter(Parameters(model))) == "module.weight"


@pytest.mark.parametrize(
    ("pattern", "names"),
    [("0.weight", ["0.weight"]), ("*.weight", ["0.weight", "2.weight"]), ("[0-1].*", ["0.weight", "0.bias"])],
)
def test_a_pattern_chooses_names_in_the_models_order(pattern, names):
    assert Parameters(network()).matching(pattern) == names


def test_a_wrapped_name_is_understood():
    assert Parameters(Wrapper(network())).matching("module.0.weight") == ["0.weight"]


def test_tied_weights_answer_to_both_names():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight

    assert Parameters(model).matching("1.weight") == ["1.weight"]


def test_a_replaced_parameter_is_seen():
    model = network()
    parameters = Parameters(model)
    model.load_state_dict({name: value + 1 for name, value in model.state_dict().items()}, assign=True)

    assert torch.equal(parameters["0.weight"], model[0].weight)


def test_a_parameter_of_a_replaced_module_is_seen():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2))
    parameters = Parameters(model)
    model[0] = torch.nn.Linear(2, 2)

    assert parameters["0.weight"].data_ptr() == model[0].weight.data_ptr()


def test_a_parameter_that_became_a_plain_tensor_is_read():
    layer = torch.nn.Linear(2, 2)
    parameters = Parameters(layer)
    del layer.weight
    layer.weight = torch.eye(2)

    assert torch.equal(parameters["weight"], torch.eye(2))


def test_reading_leaves_a_parametrisation_in_training_mode_as_it_is():
    model = nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(3, 3)))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    parameters = Parameters(model)
    assert "0.parametrizations.weight.original" in dict(parameters)

    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match="expected a parameter's name") as refused:
        Parameters(network()).matching("2.weigth")

    assert str(refused.value) == (
        "expected a parameter's name or glob, got `2.weigth`; there are 2.weight, 0.weight, 0.bias"
    )


def test_of_many_names_ten_are_shown():
    model = nn.Sequential(*(nn.Linear(1, 1, bias=False) for _ in range(13)))

    with pytest.raises(UsageError, match=r"there are 1\.weight, .* and 3 more$"):
        Parameters(model)["1.weights"]


def normed(around=nn.utils.parametrizations.weight_norm):
    return nn.Sequential(around(nn.Linear(3, 4)), nn.Linear(4, 2))


@pytest.mark.parametrize("wrap", [lambda model: model, Wrapper, compiled])
def test_a_weight_that_is_made_of_parameters_has_the_name_it_had_before(wrap):
    model = normed()
    parameters = Parameters(wrap(model))

    assert parameters.matching("*.weight") == ["1.weight", "0.weight"]
    assert parameters.matching(model[0]) == ["0.weight"]
    torch.testing.assert_close(parameters["0.weight"], model[0].weight.detach())


def test_a_weight_that_is_made_of_parameters_is_none():
    parameters = Parameters(normed())
    assert "0.weight" not in list(parameters)
    with pytest.raises(UsageError, match="expected a parameter") as refused:
        parameters.leaf("0.weight")

    assert str(refused.value) == (
        "expected a parameter, got `0.weight`, which is made of 0.parametrizations.weight.original0, "
        "0.parametrizations.weight.original1; name these"
    )


def test_a_weight_of_spectral_norm_is_read_without_a_change_of_its_state():
    model = normed(nn.utils.parametrizations.spectral_norm)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    seen = Parameters(model)["0.weight"]

    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    torch.testing.assert_close(seen, model.eval()[0].weight.detach())
