"""Streams of random numbers of image studies: a seed and what is drawn name one, and none depends on another's use."""

import numpy as np
import torch

__all__ = ["PURPOSES", "generator"]

# Part of what a seed means: names are added at the end, and never moved.
PURPOSES = ("split", "train", "test", "clean", "permutation", "order", "augmentation", "projection", "subset")


def generator(purpose: str, seed: int, *numbers: int) -> torch.Generator:
    """Return the generator of a purpose; no other seed, purpose or numbers have its draws.

    Args:
        purpose: One of `PURPOSES`.
        seed: 0 or more.
        numbers: What else names the draw, as the number of an epoch.

    Example:
        >>> torch.rand(2, generator=generator("order", 3, 0)).equal(torch.rand(2, generator=generator("order", 3, 1)))
        False
    """
    words = np.random.SeedSequence([seed, PURPOSES.index(purpose), *numbers]).generate_state(1, np.uint64)

    return torch.Generator().manual_seed(int(words[0]) >> 1)
