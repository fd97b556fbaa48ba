import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from probes import estimators
from probes.errors import UsageError
from probes.estimators import Patches
from probes.launch.estimated_directions import estimate_for
from probes.launch.tap_text import parse_tap
from probes.launch.taps import Taps
from probes.models import Parameters

pytestmark = pytest.mark.usefixtures("own_random_numbers")


@pytest.fixture(autouse=True)
def _files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    chance = np.random.default_rng(0)
    labels = np.arange(60) % 3
    np.savez("images.npz", x=chance.random((60, 2, 6, 6)) + labels[:, None, None, None], y=labels)
    np.savez("rows.npz", inputs=chance.random((60, 8)), labels=labels)


def images():
    with np.load("images.npz") as data:
        return torch.from_numpy(data["x"]), torch.from_numpy(data["y"])


def directions(text, model):
    key, tap = parse_tap(text)
    return {name: made.directions.vectors for name, made in Taps({key: tap}).of(model).items()}


def test_patches_are_cut_as_the_convolution_cuts_them():
    model = nn.Sequential(nn.Conv2d(2, 5, 3, stride=2, padding=1), nn.Conv2d(2, 4, (2, 1)))
    found = directions("*.weight=patch_components(images.npz,components=2)", model)
    inputs, _ = images()

    assert list(found) == ["0.weight", "1.weight"]
    for name, layer in model.named_children():
        expected = estimators.patch_components(inputs, components=2, layout=Patches.of(layer))
        assert torch.equal(found[f"{name}.weight"], expected.vectors)


@pytest.mark.parametrize(
    ("text", "layer"),
    [
        ("weight=class_means(images.npz)", nn.Linear(72, 4)),
        ("weight=class_means(images.npz):transposed", nn.Linear(4, 72)),
        ("weight=class_means(images.npz):split=3,-1", nn.Linear(72, 6)),
    ],
)
def test_for_any_other_layer_samples_are_flattened(text, layer):
    inputs, labels = images()

    assert torch.equal(directions(text, layer)["weight"], estimators.class_means(inputs.flatten(1), labels).vectors)


@pytest.mark.parametrize(
    "call",
    [
        "class_means(rows.npz,contrast=pairs)",
        "dictionary(rows.npz,features=2,starts=1)",
        "linear_probes(rows.npz,penalty=0.1)",
        "nonnegative_parts(rows.npz,features=2)",
        "patch_components(rows.npz,components=3,centre=false)",
    ],
)
def test_no_estimator_touches_the_random_state(call):
    model = nn.Linear(8, 4)
    np.random.seed(0)  # noqa: NPY002 - a program may use it
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    (vectors,) = directions(f"weight={call}", model).values()

    assert vectors.shape[-1] == 8
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()  # noqa: NPY002


def test_weights_of_a_reference_are_of_the_same_name_unless_another_is_given():
    weights = {"fc.weight": torch.randn(3, 8), "other": torch.randn(2, 8)}
    save_file(weights, "reference.safetensors")
    model = nn.ModuleDict({"fc": nn.Linear(8, 4)})
    same = directions("fc.weight=reference_weights(reference.safetensors)", model)
    other = directions("fc.weight=reference_weights(reference.safetensors,name=other)", model)

    for found, expected in ((same, weights["fc.weight"]), (other, weights["other"])):
        assert torch.allclose(found["fc.weight"], nn.functional.normalize(expected))


def test_an_estimate_is_made_once_for_parameters_alike(monkeypatch):
    calls = []
    means = estimators.class_means
    monkeypatch.setattr(estimators, "class_means", lambda *data, **given: calls.append(1) or means(*data, **given))
    directions("*.weight=class_means(rows.npz)", nn.Sequential(nn.Linear(8, 4), nn.Linear(8, 2)))

    assert calls == [1]


def test_channels_in_groups_are_refused():
    model = nn.Conv2d(2, 4, 3, groups=2)
    _, text = parse_tap("weight=class_means(images.npz)")
    model.in_channels = 2
    with pytest.raises(UsageError, match=r"^no patches could be cut for `--tap weight=class_means\(images.npz\)`: "):
        estimate_for(text, "weight", model, Parameters(model))


def test_what_an_estimator_refuses_is_said_with_the_option():
    with pytest.raises(UsageError, match=r"^no directions could be estimated for `--tap weight=dictionary\(rows.npz,f"):
        directions("weight=dictionary(rows.npz,features=500)", nn.Linear(8, 4))


def test_axes_of_an_estimate_can_be_renamed():
    key, text = parse_tap("weight=class_means(rows.npz):names=digit")
    (tap,) = Taps({key: text}).of(nn.Linear(8, 4)).values()

    assert tap.axes == ("neuron", "digit")
