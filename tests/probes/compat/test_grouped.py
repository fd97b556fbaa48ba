import numpy as np
import torch
from torch import nn

from probes.directions import Directions
from probes.log import open_log
from probes.quantities import activations
from probes.recording import Recorder
from tests.probes.compat.rows import backward, identities, network


def test_a_state_is_that_after_an_update_of_which_one_optimizer_had_no_part(path):
    model = network()
    often, seldom = (torch.optim.SGD(model[place].parameters(), lr=0.1) for place in (0, 2))
    with Recorder(path, identities(model)).attach(model, [often, seldom]) as recorder:
        backward(model)
        often.step()
        assert recorder.state_dict()["step"] == 1


def test_scalars_of_several_optimizers_belong_to_the_update_they_lead_to(path):
    model = network()
    often, seldom = (torch.optim.SGD(model[place].parameters(), lr=0.1) for place in (0, 2))
    with Recorder(path, identities(model)).attach(model, [often, seldom]) as recorder:
        for batch in range(7):
            backward(model, batch)
            recorder.log(loss=batch)
            often.step()
            if batch % 3 == 2:
                recorder.log(seldom=batch)
                seldom.step()

    scalars = open_log(path).scalars()
    assert scalars["loss"].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert scalars["seldom"].dropna().to_dict() == {2: 2, 5: 5}


def test_activations_are_in_full_precision_under_autocast(path):
    model, inputs = network(), torch.randn(3, 6)
    shown = activations("0", inputs, Directions(torch.eye(4)))
    with torch.autocast("cpu", torch.bfloat16), Recorder(path, {}, quantities=[shown]).attach(model) as manual:
        manual.step()

    expected = nn.functional.linear(inputs.double(), model[0].weight.double(), model[0].bias.double())
    np.testing.assert_allclose(open_log(path)["0.activations"][-1], expected.detach(), rtol=1e-5, atol=1e-6)
