"""Streams of random numbers: every number follows from what it is drawn for, and from whole numbers that name the draw.

One scheme serves all of a study. A purpose and its numbers, the study's or run's seed first, make one text; its SHA-256
digest is the entropy of a `numpy.random.SeedSequence`. The text can be read in one way only, so that no two draws share
a stream: not those of neighbouring seeds, nor two purposes of seed 0, nor 1 and (1, 0), which `SeedSequence` itself
takes for the same. It fills the whole state of the generator, as `torch.Generator.manual_seed` uses 32 bits of a seed.
"""

import hashlib
from typing import Literal, get_args

import numpy as np
import torch

__all__ = ["PURPOSES", "Purpose", "seed_of", "stream"]

Purpose = Literal[
    # What is drawn.
    "weights",
    "training noise",
    "test noise",
    "order",
    "features",
    "noise",
    "samples",
    "multi-view samples",
    "single-view samples",
    "settings",
    # Parts of a study: each hands its seed on to what is drawn there.
    "training",
    "multi-view test",
    "single-view test",
    "single",
    "distilled",
    "fresh",
]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)

_WORDS, _WORDS_AT = 624, 3  # of the state of a Mersenne twister, and where torch keeps them, eight bytes each


def seed_of(purpose: Purpose, *numbers: int) -> int:
    """Return the seed of one part of a study, 0 <= seed < 2^63.

    Args:
        purpose: What it is for.
        numbers: The study's seed, and what else tells this part from others of the same purpose.

    Example:
        >>> seed_of("training", 0)
        3331690974515797042
    """
    return int(_sequence(purpose, numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))


def stream(purpose: Purpose, *numbers: int) -> torch.Generator:
    """Return the generator of one draw; no other purpose and numbers have its values.

    Args:
        purpose: What is drawn.
        numbers: The seed, and what else tells this draw from others of the same purpose.

    Example:
        >>> torch.rand(2, generator=stream("weights", 3)).equal(torch.rand(2, generator=stream("order", 3)))
        False
    """
    words = _sequence(purpose, numbers).generate_state(_WORDS)
    generator = torch.Generator().manual_seed(0)
    state = generator.get_state()
    state.view(torch.int64)[_WORDS_AT : _WORDS_AT + _WORDS] = torch.from_numpy(words.astype(np.int64))

    return generator.set_state(state)


def _sequence(purpose: str, numbers: tuple[int, ...]) -> np.random.SeedSequence:
    text = " ".join([f"{purpose}:", *map(str, numbers)])

    return np.random.SeedSequence(int.from_bytes(hashlib.sha256(text.encode()).digest(), "little"))
