from dataclasses import replace

import pytest
import torch

from probes.learners.multiview import MultiView
from probes.learners.samples import MULTI_VIEW

DATA = MultiView(classes=6, patches=16, sparsity=2.0, single_view_share=0.25)


def sums(samples, sample: int) -> dict[tuple[int, int], float]:
    """Sum of z_p of every present feature of one sample, by loops."""
    found: dict[tuple[int, int], float] = {}
    for patch in samples.coefficients[sample].tolist():
        for feature, value in enumerate(patch):
            if value:
                found[feature // 2, feature % 2] = found.get((feature // 2, feature % 2), 0.0) + value
    return found


@pytest.mark.parametrize("draw", [DATA.multi_view, DATA.single_view])
def test_every_sum_lies_in_the_range_of_its_part_in_the_definition(draw):
    samples = draw(300, seed=1)
    for sample in range(300):
        label, shown = int(samples.labels[sample]), int(samples.view[sample])
        for (j, view), total in sums(samples, sample).items():
            off = DATA.off_class if shown == MULTI_VIEW else DATA.single_view_off_class
            own = DATA.own if shown in (MULTI_VIEW, view) else DATA.missing_view
            low, high = own if j == label else off
            assert low - 1e-6 <= total <= high + 1e-6


def test_own_features_take_their_patches_and_no_patch_holds_two_features():
    samples = DATA.multi_view(300, seed=2)
    assert int((samples.coefficients > 0).sum(-1).max()) == 1
    for sample in range(300):
        own = samples.coefficients[sample, :, 2 * int(samples.labels[sample])]
        assert int((own > 0).sum()) == DATA.feature_patches


def test_features_of_other_classes_come_with_probability_s_over_k():
    data = MultiView(classes=6, patches=30, sparsity=2.0)
    present = (data.multi_view(6000, seed=3).coefficients > 0).any(1)
    off = present[torch.arange(12) // 2 != torch.arange(6000).unsqueeze(1) % 6]
    assert off.float().mean().item() == pytest.approx(2.0 / 6, abs=0.01)


def test_one_patch_can_hold_a_whole_sum_and_an_even_split_spreads_it():
    one = MultiView(classes=6, patches=16, sparsity=2.0, own_split="one", off_class_split="one").multi_view(60, seed=0)
    even = MultiView(classes=6, patches=40, sparsity=2.0, off_class_split="even").multi_view(60, seed=0)
    assert set((one.coefficients > 0).sum(1).flatten().tolist()) == {0, 1}
    assert set((even.coefficients > 0).sum(1).flatten().tolist()) == {0, 3}


def test_feature_noise_lies_on_every_feature_up_to_gamma():
    clean, noisy = (
        DATA.multi_view(50, seed=4),
        MultiView(**{**vars(DATA), "feature_noise": 0.01}).multi_view(50, seed=4),
    )
    added = noisy.coefficients - clean.coefficients
    assert added.min().item() >= 0
    assert 0.009 < added.max().item() <= 0.01 + 1e-6


def test_noise_norms_tell_feature_patches_from_background():
    data = MultiView(**{**vars(DATA), "noise": 0.25, "background_noise": 0.75})
    samples = data.multi_view(50, seed=5)
    carried = (samples.coefficients > 0).any(-1)
    assert set(samples.noise[carried].tolist()) == {0.25}
    assert set(samples.noise[~carried].tolist()) == {0.75}


def test_a_training_set_holds_each_kind_in_its_share_and_every_class_both_views():
    samples = DATA.sample(96, seed=0)
    single = samples.view != MULTI_VIEW
    assert int(single.sum()) == 24
    pairs = set(zip(samples.labels[single].tolist(), samples.view[single].tolist(), strict=True))
    assert pairs == {(j, view) for j in range(6) for view in range(2)}


def test_unbalanced_draws_are_independent():
    data = MultiView(**{**vars(DATA), "balanced": False})
    counts = [int((data.sample(96, seed=seed).view != MULTI_VIEW).sum()) for seed in range(40)]
    assert len(set(counts)) > 3
    assert sum(counts) / len(counts) == pytest.approx(24, abs=3)


def test_the_same_seed_gives_the_same_bits():
    first, second = DATA.sample(40, seed=7), DATA.sample(40, seed=7)
    assert all(torch.equal(a, b) for a, b in zip(vars(first).values(), vars(second).values(), strict=True))


def test_the_moment_s_is_the_mean_over_multi_view_samples():
    samples = DATA.sample(60, seed=8)
    multi = [sample for sample in range(60) if samples.view[sample] == MULTI_VIEW]
    expected = torch.zeros(6, 2, dtype=torch.float64)
    for sample in multi:
        label = int(samples.labels[sample])
        for view in range(2):
            expected[label, view] += sum(z**4 for z in samples.coefficients[sample, :, 2 * label + view].tolist())
    assert torch.allclose(samples.class_view_moment(4), expected / len(multi), atol=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": 1}, r"expected `classes` >= 2, got 1"),
        ({"feature_patches": 0}, r"expected `feature_patches` >= 1, got 0"),
        ({"sparsity": 7.0}, r"expected `sparsity` in \(0, 6\], got 7.0"),
        ({"single_view_share": 1.5}, r"expected `single_view_share` \(mu\) in \[0, 1\], got 1.5"),
        ({"own": (2.0, 1.0)}, r"expected `own` as \[low, high\] with 0 <= low <= high, got \[2.0, 1.0\]"),
        (
            {"own": (1.25, 1.5), "second_view": 0.7},
            r"expected `second_view` in \[0.8, 1\], so that `own` times it starts at 1 or above, too, got 0.7",
        ),
        ({"own": (0.5, 1.0)}, r"expected `own` to start at 1 or above \(Definition 3.1\), got 0.5"),
        ({"off_class": (0.3, 0.5)}, r"expected `off_class` to end at 0.4 or below \(Definition 3.1\), got 0.5"),
        (
            {"missing_view": (0.2, 0.2)},
            r"expected `missing_view` \(rho\) below `single_view_off_class` \(Gamma\), got 0.2 "
            r"and 0.135: else a single-view sample still shows its missing view best",
        ),
        ({"own_split": "odd"}, r"expected `own_split` \"even\" or \"one\", got 'odd'"),
        ({"noise": -1.0}, r"expected `feature_noise`, `noise` and `background_noise` >= 0, got -1.0"),
        (
            {"patches": 8},
            r"expected `patches` >= 10 \(own views and 3.3 features of other classes on average\), got 8: raise "
            r"patches or lower sparsity",
        ),
        ({"spare_patches": -1}, r"expected `spare_patches` >= 0, got -1"),
        (
            {"patches": 12, "spare_patches": 3},
            r"expected `patches` >= 13 \(own views and 3.3 features of other classes on average, 3 spare\), got 12: "
            r"raise patches or lower sparsity",
        ),
    ],
)
def test_impossible_values_are_refused_with_the_reason(change, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        MultiView(**{**vars(DATA), **change})


def test_every_sample_keeps_spare_patches():
    data = MultiView(classes=4, patches=13, sparsity=1.5, off_class_split="one", spare_patches=4)
    sets = data.multi_view(400, seed=1), data.single_view(400, seed=2), data.sample(400, seed=3)
    spare = torch.cat([(samples.coefficients == 0).all(-1).sum(1) for samples in sets])
    without = (replace(data, spare_patches=0).multi_view(400, seed=1).coefficients == 0).all(-1).sum(1)

    assert (spare.min(), without.min() < 4) == (4, True)


def test_the_second_view_of_every_class_weighs_less():
    data = replace(DATA, own=(1.25, 1.5))
    equal, unequal = data.multi_view(300, seed=6), replace(data, second_view=0.8).multi_view(300, seed=6)
    heavy, light = (unequal.class_view_moment(3) / equal.class_view_moment(3)).T

    assert torch.allclose(heavy, torch.ones(6, dtype=torch.float64))
    assert torch.allclose(light, torch.full((6,), 0.8**3, dtype=torch.float64))
