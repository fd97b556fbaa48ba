import pytest
import torch

from probes.learners.images.batches import epoch_of
from probes.learners.images.images import Images
from probes.learners.images.section import ImageTraining

DRAWS = torch.Generator().manual_seed(0)
IMAGES = Images(torch.rand(30, 1, 6, 6, generator=DRAWS), torch.zeros(30).long(), tuple("x" * 30), 1)


def rows_of(seeds, epoch, run):
    return torch.cat([batch.rows[run] for batch in epoch_of(IMAGES, seeds, epoch, size=7)]).tolist()


def test_every_epoch_has_all_samples_in_an_order_of_its_own():
    orders = [rows_of([3, 4], epoch, run) for epoch in range(2) for run in range(2)]

    assert all(sorted(order) == list(range(30)) for order in orders)
    assert len({tuple(order) for order in orders}) == 4


def test_a_run_sees_the_same_whichever_runs_are_beside_it():
    together = next(iter(epoch_of(IMAGES, [1, 2, 3], 5, size=7, augment="crop+flip")))
    alone = next(iter(epoch_of(IMAGES, [2], 5, size=7, augment="crop+flip")))

    assert together.inputs[1].equal(alone.inputs[0])


@pytest.mark.parametrize("augment", ["crop", "crop+flip"])
def test_an_augmented_picture_is_a_shifted_window_perhaps_mirrored(augment):
    changes = set()
    for batch in epoch_of(IMAGES, [0], 0, size=30, augment=augment):
        for row, seen in zip(batch.rows[0], batch.inputs[0], strict=True):
            changes.add(change_of(IMAGES.inputs[row, 0], seen[0]))

    assert len({change[:2] for change in changes}) > 10
    assert {change[2] for change in changes} == ({False, True} if augment == "crop+flip" else {False})


def change_of(picture, seen):
    frame = torch.zeros(14, 14)
    frame[4:10, 4:10] = picture
    found = [
        (down, right, flip)
        for flip in (False, True)
        for down in range(9)
        for right in range(9)
        if (
            frame[down : down + 6, right : right + 6].flip(1) if flip else frame[down : down + 6, right : right + 6]
        ).equal(seen)
    ]
    return found[0]


def test_the_rate_rises_linearly_then_falls_as_its_schedule_says():
    rates = {
        schedule: [
            ImageTraining(schedule=schedule, warmup_steps=4, learning_rate=1.0).rate(step, 44) for step in range(44)
        ]
        for schedule in ("constant", "step", "cosine")
    }

    assert all(rate[:4] == [0.25, 0.5, 0.75, 1.0] for rate in rates.values())
    assert set(rates["constant"][4:]) == {1.0}
    assert rates["step"][21:23] == pytest.approx([1.0, 0.1])
    assert rates["step"][32:34] == pytest.approx([0.1, 0.01])
    assert rates["cosine"][24] == pytest.approx(0.5)
    assert rates["cosine"][34] == pytest.approx((1 - 0.5**0.5) / 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimizer": "lion"}, """expected `optimizer` "adamw" or "sgd", got 'lion'"""),
        ({"learning_rate": 0.0}, "expected `learning_rate` > 0, got 0.0"),
        ({"weight_decay": -1.0}, "expected `weight_decay` >= 0, got -1.0"),
        ({"momentum": 1.0}, r"expected `momentum` in \[0, 1\), got 1.0"),
        ({"schedule": "linear"}, """expected `schedule` "cosine", "step" or "constant", got 'linear'"""),
        ({"warmup_steps": -1}, "expected `warmup_steps` >= 0, got -1"),
        ({"epochs": 0}, "expected `batch_size` and `epochs` >= 1, got 50 and 0"),
        ({"label_smoothing": 1.0}, r"expected `label_smoothing` in \[0, 1\), got 1.0"),
        ({"augment": "mixup"}, r"""expected `augment` one of \('none', 'crop', 'crop\+flip'\), got 'mixup'"""),
    ],
)
def test_impossible_values_are_refused_with_the_reason(change, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        ImageTraining(**change)
