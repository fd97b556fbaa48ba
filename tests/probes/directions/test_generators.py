import torch

from probes.directions.generators import generator


def draw(source):
    return torch.rand(5, generator=source).tolist()


def test_numbers_are_those_of_purpose_and_seed_alone():
    drawn = [draw(generator(purpose, seed)) for purpose in ("halves", "rows") for seed in (0, 1)]

    assert len({tuple(numbers) for numbers in drawn}) == 4
    assert draw(generator("halves", 0)) == drawn[0]


def test_they_are_not_those_of_a_generator_of_the_same_seed():
    assert draw(generator("halves", 0)) != draw(torch.Generator().manual_seed(0))


def test_the_global_state_is_left_alone():
    before = torch.get_rng_state()
    draw(generator("halves", 0))

    assert torch.equal(torch.get_rng_state(), before)
