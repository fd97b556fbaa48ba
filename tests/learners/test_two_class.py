import pytest
import torch

from probes.learners.samples import MULTI_VIEW
from probes.learners.two_class import TwoClass


def test_kinds_weights_and_patches_are_those_of_section_2_3():
    samples = TwoClass().sample(200, seed=1)
    kinds = [int((samples.view == kind).sum()) for kind in (MULTI_VIEW, 0, 1)]
    assert kinds == [160, 20, 20]
    for n in range(200):
        label, shown = int(samples.labels[n]), int(samples.view[n])
        weights = sorted(round(value, 6) for value in samples.coefficients[n].flatten().tolist() if value)
        own = samples.coefficients[n, :, 2 * label : 2 * label + 2].sum(0)
        assert weights == ([0.1, 1.0, 1.0] if shown == MULTI_VIEW else [0.1, 1.0])
        assert own.tolist() == [float(shown in (MULTI_VIEW, view)) for view in range(2)]


def test_the_stray_feature_is_either_of_the_other_class_and_no_patch_holds_two():
    samples = TwoClass(patches=5).multi_view(400, seed=2)
    stray = samples.coefficients.sum(1)[
        torch.arange(400).unsqueeze(1), 2 * (1 - samples.labels).unsqueeze(1) + torch.arange(2)
    ]
    assert (stray > 0).float().mean(0).tolist() == pytest.approx([0.5, 0.5], abs=0.08)
    assert int((samples.coefficients > 0).sum(-1).max()) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"patches": 2}, r"expected `patches` >= 3 \(two own views and one feature of the other class\), got 2"),
        ({"single_view_share": -0.1}, r"expected `single_view_share` \(mu\) in \[0, 1\], got -0.1"),
        ({"off_class_weight": 1.0}, r"expected 0 <= `off_class_weight` < `own_weight`, got 1.0 and 1.0"),
        ({"noise": -1.0}, r"expected `noise` >= 0, got -1.0"),
    ],
)
def test_impossible_values_are_refused_with_the_reason(change, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        TwoClass(**change)
