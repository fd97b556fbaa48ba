"""Streams of random numbers: one seed gives many, a purpose each, and none depends on how much of another is used."""

import torch

__all__ = ["PURPOSES", "stream"]

PURPOSES = ("weights", "batches", "centres", "calibration", "samples")


def stream(purpose: str, seed: int) -> torch.Generator:
    """Return the generator of a purpose; no other seed or purpose has its numbers.

    Args:
        purpose: One of `PURPOSES`.
        seed: 0 or more.

    Example:
        >>> torch.rand(2, generator=stream("weights", 3)).equal(torch.rand(2, generator=stream("samples", 3)))
        False
    """
    return torch.Generator().manual_seed(len(PURPOSES) * seed + PURPOSES.index(purpose))
