import pytest
import torch

from probes.learners.images.digit_scenes import DigitScenes, split
from probes.learners.images.digits import handwritten_digits

FEW = DigitScenes(train=200, single_view_share=0.2, test_multi=30, test_single=40, noise=0.0)


@pytest.fixture(scope="module")
def scenes():
    return FEW.sample("train", seed=3)


def cell_of(scenes, sample, cell):
    row, column = divmod(cell, 3)
    return scenes.inputs[sample, 0, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8]


def test_a_shown_view_stands_in_its_cell_at_the_norm_of_a_glyph(scenes):
    for sample in range(len(scenes)):
        for view in range(2):
            shown, cell = bool(scenes.shown[sample, view]), int(scenes.cells[sample, view])
            assert shown == (cell >= 0)
            if shown:
                assert float(cell_of(scenes, sample, cell).norm()) == pytest.approx(4.0, abs=1e-4)


def test_the_other_cells_hold_what_off_class_says_and_nothing_else(scenes):
    for sample in range(len(scenes)):
        others = [cell for cell in range(9) if cell not in scenes.cells[sample].tolist()]
        norms = sorted(float(cell_of(scenes, sample, cell).norm()) for cell in others)
        weights = sorted(4 * weight for weight in scenes.off_class[sample].flatten().tolist())[-len(others) :]
        assert norms[-len(weights) :] == pytest.approx(weights, abs=1e-4)


def test_pictures_are_handwritings_of_the_class_and_their_mirror_images(scenes):
    digits = split(handwritten_digits(), "train", 3, share=0.6)
    pictures = 4 * torch.nn.functional.normalize(digits.inputs.flatten(1), dim=1).view(-1, 8, 8)
    for sample in range(0, len(scenes), 7):
        label, found = scenes.labels[sample], []
        for view in (view for view in range(2) if scenes.shown[sample, view]):
            glyph = cell_of(scenes, sample, int(scenes.cells[sample, view]))
            likeness = (pictures - (glyph.mT if view else glyph)).flatten(1).norm(dim=1)
            assert float(likeness.min()) < 1e-4
            assert digits.labels[likeness.argmin()] == label
            found.append(int(likeness.argmin()))
        assert len(set(found)) == len(found), "the two views come from one handwriting"


def test_no_handwriting_is_in_both_parts():
    train, test = (split(handwritten_digits(), part, 5, share=0.6) for part in ("train", "test"))

    assert not set(train.ids) & set(test.ids)
    assert len(train) + len(test) == 1797


def test_single_views_are_spread_evenly_over_classes_and_views():
    scenes = DigitScenes(train=1500).sample("train", seed=0)
    cases = [(label, group) for label, group in zip(scenes.labels.tolist(), scenes.groups, strict=True)]
    singles = [case for case in cases if case[1] != "both"]

    assert len(singles) == 40
    assert {singles.count(case) for case in singles} == {2}


def test_other_features_are_as_many_and_as_strong_as_asked():
    scenes = DigitScenes().sample("train", seed=1)
    weights = scenes.off_class[scenes.off_class > 0]

    assert float((scenes.off_class > 0).sum()) / len(scenes) == pytest.approx(3.0, abs=0.15)
    assert 0.2 <= float(weights.min()) < 0.21
    assert 0.39 < float(weights.max()) <= 0.4
    assert float(scenes.off_class[torch.arange(len(scenes)), scenes.labels].sum()) == 0


def test_full_cells_keep_both_views_and_drop_other_features():
    scenes = DigitScenes(train=100, grid=2, sparsity=18.0, single_view_share=0.0, noise=0.0).sample("train", seed=0)

    assert bool(scenes.shown.all())
    assert (scenes.off_class > 0).flatten(1).sum(1).tolist() == [2] * 100


def test_clean_scenes_show_one_view_and_nothing_else():
    scenes = DigitScenes(clean_each=2).clean(seed=0)
    singles = list(zip(scenes.labels.tolist(), scenes.groups, strict=True))

    assert sorted(singles) == sorted((label, f"view {view}") for label in range(10) for view in range(2) for _ in "ab")
    assert float(scenes.off_class.sum()) == 0
    assert scenes.inputs.flatten(1).norm(dim=1).tolist() == pytest.approx([4.0] * 40, abs=1e-4)


def test_the_same_seed_draws_the_same_scenes_and_another_draws_others():
    first, again, other = (FEW.sample("test", seed) for seed in (0, 0, 1))

    assert first.inputs.equal(again.inputs)
    assert not first.inputs.equal(other.inputs)
    assert not set(first.ids) & set(other.ids)


def test_an_occluded_cell_is_empty_and_the_others_are_as_they_were(scenes):
    occluded = scenes.occluded(5)

    assert float(occluded.inputs[:, :, 8:16, 16:].abs().sum()) == 0
    occluded.inputs[:, :, 8:16, 16:] = scenes.inputs[:, :, 8:16, 16:]
    assert occluded.inputs.equal(scenes.inputs)


def test_unequal_views_are_another_digit_turned():
    glyphs = DigitScenes(views="unequal", norm=1.0).glyphs("train", 0)
    digits = split(handwritten_digits(), "train", 0, share=0.6)
    eights = torch.nn.functional.normalize(digits.inputs[digits.labels == 8].flatten(1), dim=1).view(-1, 8, 8)
    turned = glyphs.pictures[1, int(glyphs.first[5])].rot90(-1)

    assert float((eights - turned).flatten(1).norm(dim=1).min()) < 1e-5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": 1}, "expected `classes` >= 2, got 1"),
        ({"classes": 11}, r"expected `classes` of 2 to 10 \(digits\), got 11"),
        ({"grid": 1}, r"expected `grid` >= 2 \(two views need two cells\), got 1"),
        ({"sparsity": 19.0}, r"expected `sparsity` in \[0, 18\], got 19.0"),
        (
            {"off_class_low": 0.5},
            "expected 0 <= `off_class_low` <= `off_class_high` < 1, got 0.5 and 0.4",
        ),
        ({"single_view_share": 1.5}, r"expected `single_view_share` \(mu\) in \[0, 1\], got 1.5"),
        ({"norm": 0.0}, "expected `norm` > 0, got 0.0"),
        ({"noise": -1.0}, "expected `noise` >= 0, got -1.0"),
        (
            {"train": 0},
            r"expected `train`, `test_multi`, `test_single` and `clean_each` >= 1, got \[0, 1000, 2000, 10\]",
        ),
        ({"views": "both"}, 'expected `views` "mirrored" or "unequal", got \'both\''),
        ({"train_share": 1.0}, r"expected `train_share` in \(0, 1\), got 1.0"),
    ],
)
def test_impossible_values_are_refused_with_the_reason(change, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        DigitScenes(**change)


def test_a_cell_that_is_not_there_is_refused(scenes):
    with pytest.raises(ValueError, match=r"^expected `cell` of 0 to 8, got 9$"):
        scenes.occluded(9)
