import math

import pytest
import torch

from probes.learners.objectives import CrossEntropy, Distillation, truncated_scaled_logit

LABELS = torch.tensor([0, 2, 1])


def outputs(scale: float = 3.0) -> torch.Tensor:
    return scale * torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_the_pull_of_cross_entropy_is_minus_its_gradient():
    free = outputs().requires_grad_()
    losses = torch.nn.functional.cross_entropy(free.flatten(0, 1), LABELS.repeat_interleave(2), reduction="sum")
    (gradient,) = torch.autograd.grad(losses, free)
    assert torch.allclose(CrossEntropy().pull(free.detach(), LABELS, slice(None)), -gradient, atol=1e-14)


def test_loss_and_error_are_those_of_torch():
    scalars = CrossEntropy().scalars(outputs(), LABELS)
    for run in range(2):
        loss = torch.nn.functional.cross_entropy(outputs()[:, run], LABELS)
        error = (outputs()[:, run].argmax(-1) != LABELS).double().mean()
        assert scalars["loss"][run].item() == pytest.approx(loss.item(), abs=1e-14)
        assert scalars["train_error"][run].item() == pytest.approx(error.item())


def test_a_tie_counts_as_an_error():
    assert CrossEntropy().scalars(torch.zeros(3, 1, 4), LABELS)["train_error"].item() == 1.0


def test_the_truncated_scaled_logit_follows_4_2():
    tau = 0.4
    for row in outputs(5.0).flatten(0, 1).tolist():
        exponents = [math.exp(min(tau**2 * value, 1) / tau) for value in row]
        expected = [value / sum(exponents) for value in exponents]
        assert truncated_scaled_logit(torch.tensor(row, dtype=torch.float64), tau).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("update", ["literal", "stopped"])
def test_the_pull_of_distillation_follows_4_3(update):
    tau, ratio, teacher = 0.4, 7.0, outputs(4.0).flip(0)
    pull = Distillation(teacher, tau, ratio, update).pull(outputs(), LABELS, slice(None))
    own, target = truncated_scaled_logit(outputs(), tau), truncated_scaled_logit(teacher, tau)
    for n, s, i in [(n, s, i) for n in range(3) for s in range(2) for i in range(4)]:
        negative = min(0.0, (own[n, s, i] - target[n, s, i]).item())
        below = update == "literal" or tau**2 * outputs()[n, s, i].item() < 1
        label = float(LABELS[n] == i) - outputs()[n, s].softmax(-1)[i].item()
        assert pull[n, s, i].item() == pytest.approx(label - ratio * negative * below, abs=1e-12)


def test_a_student_that_equals_its_teacher_feels_labels_alone():
    pull = Distillation(outputs(), 0.4, 7.0).pull(outputs(), LABELS, slice(None))
    assert torch.equal(pull, CrossEntropy().pull(outputs(), LABELS, slice(None)))


def test_one_teacher_serves_all_runs_and_selection_keeps_each_run_its_own():
    shared, own = Distillation(outputs()[:, :1], 0.4, 7.0), Distillation(outputs(), 0.4, 7.0)
    assert shared.select(torch.tensor([1])).teacher.shape == (3, 1, 4)
    assert torch.equal(own.select(torch.tensor([1])).teacher, outputs()[:, 1:])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ((0.0, 7.0, "stopped"), r"expected `temperature` \(tau\) in \(0, 1\], got 0.0"),
        ((0.4, 0.0, "stopped"), r"expected `rate_ratio` \(eta'/eta\) > 0, got 0.0"),
        ((0.4, 7.0, "both"), r"expected `update` \"stopped\" or \"literal\", got 'both'"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        Distillation(outputs(), *settings)
