import math

import pytest
import torch

from probes.learners.images.targets import Hinton, class_mean_targets, ensemble_targets

DRAWS = torch.Generator().manual_seed(1)
LOGITS = torch.randn(2, 6, 3, generator=DRAWS)
LABELS = torch.tensor([0, 1, 0, 2, 1, 0])


def softened(logits, temperature):
    exponentials = [math.exp(value / temperature) for value in logits.tolist()]
    return [value / sum(exponentials) for value in exponentials]


def test_the_divergence_is_that_of_softened_outputs_times_the_squared_temperature():
    targets, rows = Hinton(LOGITS, temperature=4.0), torch.tensor([[5, 0], [1, 2]])
    outputs = torch.randn(2, 2, 3, generator=DRAWS)
    found = targets.divergence(outputs, rows)
    for run in range(2):
        for sample in range(2):
            teacher = softened(LOGITS[run, rows[run, sample]], 4.0)
            student = softened(outputs[run, sample], 4.0)
            expected = 16 * sum(t * math.log(t / s) for t, s in zip(teacher, student, strict=True))
            assert float(found[run, sample]) == pytest.approx(expected, abs=1e-5)


def test_a_class_mean_teacher_says_the_same_of_all_samples_of_a_class():
    means = class_mean_targets(LOGITS, LABELS)
    for run in range(2):
        for sample, label in enumerate(LABELS.tolist()):
            own = [LOGITS[run, other].tolist() for other in range(6) if LABELS[other] == label]
            expected = [sum(column) / len(own) for column in zip(*own, strict=True)]
            assert means[run, sample].tolist() == pytest.approx(expected, abs=1e-6)


def test_a_class_mean_of_the_ensemble_is_the_ensemble_of_class_means():
    torch.testing.assert_close(
        class_mean_targets(ensemble_targets(LOGITS), LABELS), ensemble_targets(class_mean_targets(LOGITS, LABELS))
    )


def test_ensemble_targets_are_mean_logits():
    expected = [(one + other) / 2 for one, other in zip(*LOGITS.flatten(1).tolist(), strict=True)]

    assert ensemble_targets(LOGITS).flatten().tolist() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("logits", "change", "message"),
    [
        (torch.zeros(3), {}, r"expected `logits` \(sample, class\) or \(run, sample, class\), got shape \(3,\)"),
        (torch.zeros(3, 2), {"temperature": 0.0}, "expected `temperature` > 0, got 0.0"),
        (torch.zeros(3, 2), {"mixing": 1.5}, r"expected `mixing` in \[0, 1\], got 1.5"),
    ],
)
def test_impossible_values_are_refused_with_the_reason(logits, change, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        Hinton(logits, **change)
