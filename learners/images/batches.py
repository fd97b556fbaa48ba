"""Batches of images for many runs at once: each run's own order and augmentation, or those of ordinary DataLoaders.

What a run sees is drawn from its own seed and the number of the epoch alone: it is the same whichever runs are
beside it, and nothing need be stored for training to be resumed.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from probes.learners.images.draws import generator
from probes.learners.images.images import Images

__all__ = ["AUGMENTATIONS", "Batch", "Loader", "epoch_of", "loaded"]

Loader = Iterable[Any]

AUGMENTATIONS = ("none", "crop", "crop+flip")
MARGIN = 4  # pixels by which a crop can shift


@dataclass(frozen=True)
class Batch:
    """What the runs see in one update.

    Attributes:
        inputs: ``(run, sample, channel, height, width)``.
        labels: ``(run, sample)``, int64.
        rows: Which training samples these are, ``(run, sample)``, int64; None where a loader does not say.

    Example:
        >>> Batch(torch.zeros(2, 5, 1, 8, 8), torch.zeros(2, 5), None).labels.shape
        torch.Size([2, 5])
    """

    inputs: Tensor
    labels: Tensor
    rows: Tensor | None

    def to(self, device: torch.device) -> "Batch":
        """Return the same batch on another device."""
        rows = None if self.rows is None else self.rows.to(device)

        return Batch(self.inputs.to(device), self.labels.to(device), rows)


def epoch_of(images: Images, seeds: Sequence[int], epoch: int, *, size: int, augment: str = "none") -> Iterator[Batch]:
    """Yield the batches of one epoch, all samples in each run's own order; a smaller batch last.

    Args:
        images: The training set.
        seeds: Each run's seed of its order.
        epoch: Number of the epoch.
        size: Samples of a batch.
        augment: "none"; "crop", a window shifted by up to four pixels; or "crop+flip", which mirrors half of them too.

    Example:
        >>> images = Images(torch.zeros(5, 1, 8, 8), torch.arange(5), tuple("abcde"), 5)
        >>> [batch.labels.shape[1] for batch in epoch_of(images, [0, 1], 0, size=2)]
        [2, 2, 1]
    """
    orders = torch.stack([torch.randperm(len(images), generator=generator("order", seed, epoch)) for seed in seeds])
    changes = None if augment == "none" else _changes(seeds, epoch, len(images), flip=augment == "crop+flip")
    for first in range(0, len(images), size):
        rows = orders[:, first : first + size].to(images.inputs.device)
        inputs = images.inputs[rows]
        if changes is not None:
            inputs = _augmented(inputs, changes[:, first : first + size].to(rows.device))
        yield Batch(inputs, images.labels[rows], rows)


def _changes(seeds: Sequence[int], epoch: int, count: int, *, flip: bool) -> Tensor:
    """Return how far each sample is shifted down and right, and whether it is mirrored, ``(run, sample, 3)``, int64."""
    kinds = torch.tensor([2 * MARGIN + 1, 2 * MARGIN + 1, 2 if flip else 1])
    draws = [torch.rand(count, 3, generator=generator("augmentation", seed, epoch)) for seed in seeds]

    return (torch.stack(draws) * kinds).long()


def _augmented(inputs: Tensor, change: Tensor) -> Tensor:
    flat, (down, right, flip) = inputs.flatten(0, 1), change.flatten(0, 1).unbind(1)
    windows = pad(flat, (MARGIN,) * 4).unfold(2, inputs.shape[-2], 1).unfold(3, inputs.shape[-1], 1)
    shifted = windows[torch.arange(len(flat), device=flat.device), :, down, right]

    return torch.where(flip.bool()[:, None, None, None], shifted.flip(-1), shifted).view(inputs.shape)


def loaded(loaders: Loader | Sequence[Loader], runs: int) -> Iterator[Batch]:
    """Yield the batches of one epoch of ordinary loaders: of one for all runs, or of one for each.

    Args:
        loaders: Each yields ``(inputs, labels)``, or ``(inputs, labels, rows)`` with the number of each sample.
        runs: Number of runs.

    Raises:
        ValueError: If there is another number of loaders than of runs, or a batch is no pair or triple.

    Example:
        >>> loader = torch.utils.data.DataLoader([(torch.zeros(1, 8, 8), 3)] * 5, batch_size=2)
        >>> [tuple(batch.inputs.shape) for batch in loaded(loader, 4)]
        [(4, 2, 1, 8, 8), (4, 2, 1, 8, 8), (4, 1, 1, 8, 8)]
    """
    own = list(loaders) if isinstance(loaders, list | tuple) else [loaders]
    if len(own) not in {1, runs}:
        raise ValueError(f"expected one loader for all runs, or one for each of {runs}, got {len(own)}")
    for parts in zip(*own, strict=True):
        for part in parts:
            if not isinstance(part, list | tuple) or len(part) not in {2, 3}:
                raise ValueError(
                    "expected batches (inputs, labels) or (inputs, labels, rows) of a loader, got "
                    f"{type(part).__name__}"
                )
        columns = [torch.stack(column) for column in zip(*parts, strict=True)]
        spread = [column.expand(runs, *column.shape[1:]) for column in columns]
        yield Batch(spread[0], spread[1], spread[2] if len(spread) == 3 else None)
