"""Labelled images, and scenes: images that are known to show views of their class, with the truth beside them."""

from dataclasses import dataclass, fields, replace
from typing import Any, Self

import torch
from torch import Tensor

__all__ = ["Images", "Scenes"]


@dataclass(frozen=True)
class Images:
    """Labelled images.

    Attributes:
        inputs: ``(sample, channel, height, width)``, float32.
        labels: ``(sample,)``, int64.
        ids: Name of each sample, the same wherever the sample comes again.
        classes: Number of classes k; every label is below it.

    Raises:
        ValueError: If shapes, labels and ids do not fit each other.

    Example:
        >>> images = Images(torch.zeros(3, 1, 8, 8), torch.tensor([0, 1, 1]), ("a", "b", "c"), 2)
        >>> images[torch.tensor([2, 0])].ids, images.shape
        (('c', 'a'), (1, 8, 8))
    """

    inputs: Tensor
    labels: Tensor
    ids: tuple[str, ...]
    classes: int

    def __post_init__(self) -> None:
        if self.inputs.ndim != 4:
            raise ValueError(
                f"expected `inputs` (sample, channel, height, width), got shape {tuple(self.inputs.shape)}"
            )
        if not len(self.inputs) == len(self.labels) == len(self.ids):
            raise ValueError(
                f"expected a label and an id for each of {len(self.inputs)} images, got {len(self.labels)} labels and "
                f"{len(self.ids)} ids"
            )
        if len(self) and not 0 <= int(self.labels.min()) <= int(self.labels.max()) < self.classes:
            raise ValueError(
                f"expected `labels` of 0 to {self.classes - 1}, got {int(self.labels.min())} to "
                f"{int(self.labels.max())}"
            )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of one image."""
        channels, height, width = self.inputs.shape[1:]

        return channels, height, width

    def __getitem__(self, rows: slice | Tensor) -> Self:
        """Return some of the samples, by a slice or their numbers."""
        index = torch.arange(len(self))[rows]
        chosen: dict[str, Any] = {
            item.name: value[index.to(value.device)]
            for item in fields(self)
            if isinstance(value := getattr(self, item.name), Tensor)
        }

        return replace(self, ids=tuple(self.ids[row] for row in index.tolist()), **chosen)

    def to(self, device: torch.device | str) -> Self:
        """Return the same images with inputs and labels on another device."""
        return replace(self, inputs=self.inputs.to(device), labels=self.labels.to(device))


@dataclass(frozen=True)
class Scenes(Images):
    """Images made of cells, with what each of them shows.

    Attributes:
        shown: Whether a view of the label's class is shown, ``(sample, view)``, bool.
        cells: The cell that holds it, ``(sample, view)``, int64; -1 where it is not shown. Cells are numbered row by
            row.
        off_class: Weight of every other feature in the scene, ``(sample, class, view)``, float32; 0 where it is absent.
        cell_size: Pixels of a cell's side.

    Example:
        >>> from probes.learners.images.digit_scenes import DigitScenes
        >>> scenes = DigitScenes(train=40, single_view_share=0.5).sample("train", seed=0)
        >>> scenes.shape, sorted(set(scenes.groups))
        ((1, 24, 24), ['both', 'view 0', 'view 1'])
    """

    shown: Tensor
    cells: Tensor
    off_class: Tensor
    cell_size: int

    @property
    def groups(self) -> tuple[str, ...]:
        """What each sample shows of its class: "view 0", "view 1" or "both"."""
        return tuple("both" if all(row) else f"view {row.index(True)}" for row in self.shown.tolist())

    @property
    def grid(self) -> int:
        """Cells along a side of the scene."""
        return self.inputs.shape[-1] // self.cell_size

    def occluded(self, cell: int) -> "Scenes":
        """Return the same scenes with all pixels of one cell at 0.

        Args:
            cell: Number of the cell, counted row by row.

        Raises:
            ValueError: If there is no such cell.
        """
        if not 0 <= cell < self.grid**2:
            raise ValueError(f"expected `cell` of 0 to {self.grid**2 - 1}, got {cell}")

        row, column = (self.cell_size * place for place in divmod(cell, self.grid))
        inputs = self.inputs.clone()
        inputs[:, :, row : row + self.cell_size, column : column + self.cell_size] = 0

        return replace(self, inputs=inputs)
