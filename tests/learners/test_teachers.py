import re

import pytest
import torch

from probes.learners.layered import KINDS, Layered
from probes.learners.teachers import TeacherLabels

SMALL = {"classes": 4, "dim": 12, "teacher_width": 6}


def plainly(teacher, inputs):
    """The teacher's raw outputs by an ordinary module."""
    labels = teacher.labels
    module = Layered(labels.teacher, labels.teacher_width, labels.teacher_depth).build(labels.dim, labels.classes)
    module.load_state_dict({name: values[0, 0] for name, values in teacher.network.parameters.items()})
    return module(inputs).detach()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("inputs", ["gaussian", "mixture"])
def test_labels_are_the_largest_of_the_teachers_standardised_outputs(kind, inputs):
    teacher = TeacherLabels(teacher=kind, inputs=inputs, **SMALL).teacher_of(4)
    sample, many = teacher.sample(50, seed=1), teacher.sample(20_000, seed=2)
    raw = plainly(teacher, many.inputs)
    expected = (plainly(teacher, sample.inputs) - raw.mean(0)) / raw.std(0)
    assert torch.allclose(teacher.outputs(sample.inputs), expected, atol=0.1)
    assert torch.equal(sample.labels, teacher.outputs(sample.inputs).argmax(-1))


@pytest.mark.parametrize("kind", KINDS)
def test_every_sample_lies_beyond_the_margin(kind):
    teacher = TeacherLabels(teacher=kind, margin=0.4, **SMALL).teacher_of(0)
    sample = teacher.sample(300, seed=1)
    ordered = teacher.outputs(sample.inputs).sort(-1).values
    assert len(sample.labels) == 300
    assert (ordered[:, -1] - ordered[:, -2]).min() > 0.4
    assert torch.equal(sample.labels, sample.clean)


def test_without_a_margin_some_samples_lie_near_the_border():
    teacher = TeacherLabels(**SMALL).teacher_of(0)
    ordered = teacher.outputs(teacher.sample(300, seed=1).inputs).sort(-1).values
    assert (ordered[:, -1] - ordered[:, -2]).min() < 0.05


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_exactly_the_share_of_labels_is_wrong(share):
    sample = TeacherLabels(**SMALL).teacher_of(0).sample(400, seed=1, label_noise=share)
    assert (sample.labels != sample.clean).sum().item() == round(share * 400)
    assert set(sample.labels.tolist()) <= set(range(4))


def test_a_wrong_label_is_any_other_class():
    sample = TeacherLabels(**SMALL).teacher_of(0).sample(4000, seed=1, label_noise=0.9)
    off = (sample.labels - sample.clean)[sample.labels != sample.clean] % 4
    assert torch.bincount(off)[1:].tolist() == pytest.approx([1200, 1200, 1200], abs=120)


def test_noise_leaves_inputs_as_they_are():
    teacher = TeacherLabels(**SMALL).teacher_of(0)
    plain, noisy = teacher.sample(40, seed=1), teacher.sample(40, seed=1, label_noise=0.2)
    assert torch.equal(plain.inputs, noisy.inputs)
    assert torch.equal(plain.clean, noisy.clean)


def test_a_seed_fixes_teacher_and_samples():
    first, again = (TeacherLabels(inputs="mixture", **SMALL).teacher_of(5).sample(40, seed=1) for _ in range(2))
    other = TeacherLabels(inputs="mixture", **SMALL).teacher_of(6).sample(40, seed=1)
    assert torch.equal(first.inputs, again.inputs)
    assert torch.equal(first.labels, again.labels)
    assert not torch.equal(first.inputs, other.inputs)


def test_global_random_numbers_are_neither_used_nor_moved():
    before = torch.get_rng_state()
    TeacherLabels(**SMALL).teacher_of(0).sample(20, seed=1, label_noise=0.5)
    assert torch.equal(before, torch.get_rng_state())


def test_gaussian_inputs_are_white():
    inputs = TeacherLabels(**SMALL).teacher_of(0).sample(20_000, seed=1).inputs
    assert torch.allclose(inputs.T.cov(), torch.eye(12), atol=0.05)
    assert torch.allclose(inputs.mean(0), torch.zeros(12), atol=0.05)


def test_a_mixture_lies_around_its_centres():
    teacher = TeacherLabels(inputs="mixture", components=3, spread=10.0, **SMALL).teacher_of(0)
    inputs = teacher.sample(600, seed=1).inputs
    distances = torch.cdist(inputs, teacher.centres / 101**0.5).min(1)
    assert distances.values.mean().item() == pytest.approx((12 / 101) ** 0.5, rel=0.1)
    assert torch.bincount(distances.indices).tolist() == pytest.approx([200, 200, 200], abs=60)


REFUSED = [
    ({"classes": 1}, "expected `data.classes` >= 2, got 1"),
    ({"dim": 4}, "expected `data.dim` >= 5, got 4"),
    ({"inputs": "uniform"}, "expected `data.inputs` as one of gaussian, mixture, got 'uniform'"),
    (
        {"teacher": "human"},
        "expected `data.teacher` as one of linear, fully_connected, convolutional, residual, got 'human'",
    ),
    ({"label_noise": 1.0}, "expected `data.label_noise` in [0, 1), got 1.0"),
    ({"margin": -0.5}, "expected `data.margin` and `data.spread` >= 0, got -0.5 and 1.0"),
]


@pytest.mark.parametrize(("values", "message"), REFUSED)
def test_an_impossible_distribution_is_refused(values, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        TeacherLabels(**values)


def test_a_margin_beyond_which_nothing_lies_is_refused():
    message = "expected `data.margin` that keeps 1% of the inputs or more, got 50.0, which keeps 0.00%: lower it"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        TeacherLabels(margin=50.0, **SMALL).teacher_of(0)
