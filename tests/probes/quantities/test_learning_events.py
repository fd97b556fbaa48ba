import copy

import pytest
import torch
from torch import nn

from probes import ProbeBatch
from probes.quantities import State, cartography, first_learned, forgetting_events
from tests.probes.quantities.small import close

LABELS = torch.tensor([0, 1, 2, 0, 1])
LOGITS = torch.randn(8, 5, 3, generator=torch.Generator().manual_seed(3))  # of eight looks
STEPS = [0, 1, 3, 10, 20, 21, 50, 60]
MAKERS = (first_learned, forgetting_events, cartography)


class Says(nn.Module):
    """Answers with logits that it is given."""

    def forward(self, inputs):
        return self.logits


def looks(quantity, which=range(8)):
    model, found = Says(), []
    for number in which:
        model.logits = LOGITS[number]
        found.append(quantity(State(STEPS[number], {}, model)).clone())
    return found


def batch():
    return ProbeBatch(torch.zeros(5, 1), LABELS)


def right(number, sample):
    row = LOGITS[number, sample].tolist()
    return row.index(max(row)) == LABELS[sample]


def test_the_first_step_learned_is_that_of_the_first_right_answer():
    for number, found in enumerate(looks(first_learned(batch()))):
        for sample in range(5):
            steps = [STEPS[look] for look in range(number + 1) if right(look, sample)]
            assert int(found[sample]) == (steps[0] if steps else -1)


def test_forgetting_events_are_right_answers_followed_by_wrong_ones():
    for number, found in enumerate(looks(forgetting_events(batch()))):
        for sample in range(5):
            pairs = [(right(look - 1, sample), right(look, sample)) for look in range(1, number + 1)]
            assert int(found[sample]) == pairs.count((True, False))
    assert max(found) > 1


def test_a_map_is_of_the_mean_the_deviation_and_the_share_of_right_answers():
    found = looks(cartography(batch()))
    given = torch.stack([
        torch.stack([row.double().softmax(0)[label] for row, label in zip(logits, LABELS, strict=True)])
        for logits in LOGITS
    ])
    shares = [sum(right(look, sample) for look in range(8)) / 8 for sample in range(5)]

    close(found[-1], torch.stack([given.mean(0), given.std(0, correction=0), torch.tensor(shares)]))
    close(found[0][1], torch.zeros(5))


@pytest.mark.parametrize("make", MAKERS)
def test_what_is_remembered_is_carried_to_the_bit(make):
    whole, half, rest = make(batch()), make(batch()), make(batch())
    expected = looks(whole)[4:]
    looks(half, range(4))
    rest.restore(copy.deepcopy(half.state()))

    assert all(map(torch.equal, looks(rest, range(4, 8)), expected))


@pytest.mark.parametrize("make", MAKERS)
def test_classes_are_needed(make):
    with pytest.raises(
        ValueError, match=r"^expected classes, .* got torch.float32 of shape \(5, 1\); give `ProbeBatch`"
    ):
        make(ProbeBatch(torch.zeros(5, 1), torch.zeros(5, 1)))
