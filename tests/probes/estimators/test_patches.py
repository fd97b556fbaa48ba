import pytest
import torch
from torch import nn
from torch.nn.functional import unfold

from probes.directions import Directions
from probes.estimators import Patches
from probes.quantities import inner_products

GENERATOR = torch.Generator().manual_seed(0)
IMAGES = {axes: torch.randn(2, 3, *(9, 8, 7)[:axes], generator=GENERATOR) for axes in (1, 2, 3)}

# Every way to lay a kernel on an input, and the number of its spatial axes.
CONVOLUTIONS = {
    "1d": nn.Conv1d(3, 5, 4, stride=2, padding=1),
    "2d": nn.Conv2d(3, 5, (3, 2)),
    "2d strided and padded": nn.Conv2d(3, 5, (3, 5), stride=(2, 1), padding=(1, 2)),
    "2d dilated": nn.Conv2d(3, 5, 2, dilation=(3, 2)),
    "2d same": nn.Conv2d(3, 5, (5, 3), padding="same", dilation=(1, 2)),
    "2d valid": nn.Conv2d(3, 5, 3, padding="valid"),
    "2d reflected": nn.Conv2d(3, 5, 3, padding=(2, 1), padding_mode="reflect"),
    "2d circular and same": nn.Conv2d(3, 5, (4, 3), padding="same", padding_mode="circular"),
    "3d replicated": nn.Conv3d(3, 5, (2, 3, 2), padding=1, padding_mode="replicate"),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_a_convolution_is_its_weight_times_its_patches(name):
    convolution = CONVOLUTIONS[name]
    images = IMAGES[convolution.weight.ndim - 2]
    responses = Patches.of(convolution)(images) @ convolution.weight.flatten(1).T + convolution.bias

    torch.testing.assert_close(responses.mT, convolution(images).flatten(2))


def test_patches_are_those_of_unfold():
    options = {"stride": (2, 1), "padding": (1, 3), "dilation": (1, 2)}
    expected = unfold(IMAGES[2], (3, 2), **options).mT

    assert torch.equal(Patches((3, 2), **options)(IMAGES[2]), expected)


def test_a_patch_as_a_direction_meets_a_weight_as_a_tap_flattens_it():
    convolution, images = CONVOLUTIONS["2d"], IMAGES[2][:1]
    patch = Patches.of(convolution)(images)[0, 1:2]  # at place (0, 1)
    expected = convolution(images)[0, :, 0, 1] - convolution.bias

    torch.testing.assert_close(inner_products(convolution.weight.detach(), Directions(patch))[:, 0], expected.detach())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Patches(3)(torch.ones(4, 9)), "expected a batch (sample, channel, *spatial axes), got shape (4, 9)"),
        (lambda: Patches((3, 3))(IMAGES[1]), "expected a number for each of 1 spatial axes, got (3, 3)"),
        (lambda: Patches(9)(IMAGES[2]), "expected spatial axes of at least (9, 9), got shape (2, 3, 9, 8)"),
        (lambda: Patches(3, padding="some")(IMAGES[2]), 'expected `padding` "same", "valid" or numbers, got \'some\''),
        (
            lambda: Patches(3, padding_mode="zero"),
            "expected `padding_mode` of zeros, reflect, replicate, circular, got 'zero'",
        ),
        (lambda: Patches.of(nn.Linear(2, 2)), "expected a Conv1d, Conv2d or Conv3d, got Linear"),
        (lambda: Patches.of(nn.Conv2d(4, 4, 3, groups=2)), "expected a convolution with groups=1, got groups=2"),
    ],
)
def test_what_has_no_patches_is_refused(make, message):
    with pytest.raises((TypeError, ValueError), match="expected") as refused:
        make()

    assert str(refused.value) == message
