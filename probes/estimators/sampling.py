"""Some rows of the data drawn at random in one pass, so that what must hold its data in memory holds a bounded part.

Each row draws a random number, and those with the smallest ones stay: every set of rows is equally likely, however
the data come in batches (as in J. S. Vitter, "Random sampling with a reservoir", 1985,
https://doi.org/10.1145/3147.3165).
"""

import torch
from torch import Tensor

from probes.directions.generators import generator
from probes.estimators.reading import Reading, Rows

__all__ = ["sampled"]


def sampled(reading: Reading, *, most: int, seed: int) -> Rows:
    """At most ``most`` rows of the data, in their order, on the CPU.

    Args:
        reading: The data, which are read once.
        most: How many rows are kept; twice as many are held meanwhile.
        seed: Which ones.

    Raises:
        TypeError: the data are of another kind than the reading takes.
        ValueError: the data do not fit, or no row is to be kept.

    Example:
        >>> rows = sampled(Reading(torch.arange(10.0).unsqueeze(1)), most=3, seed=0)
        >>> rows.values.flatten().tolist()
        [2.0, 4.0, 5.0]
    """
    if most < 1:
        raise ValueError(f"expected at least one row to keep, got `most` {most}")

    keys_of = generator("rows", seed)
    keys, kept, limit = torch.empty(0, dtype=torch.float64), list[Rows](), float("inf")
    for rows in reading:
        drawn = torch.rand(len(rows.labels), generator=keys_of, dtype=torch.float64)
        stays = drawn < limit
        kept.append(_on_cpu(rows[stays.to(rows.labels.device)]))
        keys = torch.cat([keys, drawn[stays]])
        if len(keys) > 2 * most:
            keys, kept = _smallest(keys, kept, most)
            limit = float(keys.max())

    _, (whole,) = _smallest(keys, kept, most)
    return whole


def _smallest(keys: Tensor, kept: list[Rows], most: int) -> tuple[Tensor, list[Rows]]:
    rows = Rows(*(torch.cat(parts) for parts in zip(*(vars(one).values() for one in kept), strict=True)))
    chosen = keys.argsort()[:most].sort().values
    return keys[chosen], [rows[chosen]]


def _on_cpu(rows: Rows) -> Rows:
    return Rows(rows.values.cpu(), rows.labels.cpu(), rows.half.cpu())
