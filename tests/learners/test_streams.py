"""One scheme derives every random number of a study: which draws share a stream, and what some of them are."""

import hashlib

import numpy as np
import torch

from probes.learners.streams import PURPOSES, seed_of, stream

SEEDS = [*range(120), 10_000, 2**31, 2**32, 2**32 + 1, 2**62]


def test_no_two_purposes_seeds_or_indices_share_a_stream():
    named = [(each, *numbers) for each in PURPOSES for seed in SEEDS for numbers in ([seed], [seed, 0], [seed, 1])]
    drawn = {tuple(torch.rand(4, generator=stream(*name)).tolist()) for name in named}
    assert len(drawn) == len(named)
    assert len({seed_of(*name) for name in named}) == len(named)


def test_a_stream_is_the_twister_whose_whole_state_the_digest_fills():
    digest = int.from_bytes(hashlib.sha256(b"test noise: 7 12").digest(), "little")
    twister = np.random.MT19937()
    key = np.random.SeedSequence(digest).generate_state(624)
    twister.state = {"bit_generator": "MT19937", "state": {"key": key, "pos": 624}}

    expected = (twister.random_raw(1500) % 2**24) / 2**24  # the low bits, of which torch makes a float
    assert torch.rand(1500, generator=stream("test noise", 7, 12)).tolist() == expected.tolist()


def test_a_seed_always_meant_the_same_numbers():
    assert seed_of("training", 0) == 3331690974515797042
    assert torch.rand(2, generator=stream("weights", 0)).tolist() == [0.4407261610031128, 0.8518170714378357]


def test_neighbouring_streams_are_not_correlated():
    drawn = torch.stack([torch.randn(10_000, generator=stream("weights", seed)) for seed in range(20)])
    off = torch.corrcoef(drawn)[~torch.eye(20, dtype=torch.bool)]
    assert off.abs().max() < 5 / 100  # five standard errors
