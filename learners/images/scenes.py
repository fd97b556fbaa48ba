r"""Scenes: a canvas of cells, each empty or holding one glyph, in the manner of Definition 3.1.

A scene of class y shows both of its views, or one; every other feature (class, view) is there with probability
s / (number of features - 2) and a small weight. The glyphs of a feature differ from sample to sample, as handwritings
do. Source of the distribution: Allen-Zhu and Li, "Towards Understanding Ensemble, Knowledge Distillation and
Self-Distillation in Deep Learning", ICLR 2023, https://arxiv.org/abs/2012.09816.

Axes: n = sample, c = class, v = view.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from probes.learners.features import VIEWS
from probes.learners.images.draws import generator
from probes.learners.images.images import Scenes

__all__ = ["Glyphs", "Part", "Scenery"]

Part = Literal["train", "test"]
BOTH = -1  # where a number of a view stands for both


@dataclass(frozen=True)
class Glyphs:
    """What a feature looks like: many pictures of each view of each class.

    Attributes:
        pictures: ``(view, picture, height, width)``, float32, sorted by class; a picture's two views come from the same
            original.
        counts: How many pictures each class has, ``(class,)``, int64.

    Raises:
        ValueError: If a class has less than two pictures: the two views of a scene come from different originals.

    Example:
        >>> glyphs = Glyphs(torch.zeros(2, 6, 8, 8), torch.tensor([2, 4]))
        >>> glyphs.first.tolist()
        [0, 2]
    """

    pictures: Tensor
    counts: Tensor

    def __post_init__(self) -> None:
        if int(self.counts.min()) < VIEWS:
            raise ValueError(f"expected at least {VIEWS} pictures of each class, got {self.counts.tolist()}")

    @property
    def first(self) -> Tensor:
        """Where the pictures of each class begin, ``(class,)``, int64."""
        return self.counts.cumsum(0) - self.counts

    def choose(self, count: int, draws: torch.Generator) -> Tensor:
        """Return a picture for each feature of so many scenes, ``(sample, class, view)``, int64; no two views alike."""
        one = (torch.rand(count, len(self.counts), generator=draws) * self.counts).long()
        step = 1 + (torch.rand(count, len(self.counts), generator=draws) * (self.counts - 1)).long()
        other = (one + step) % self.counts

        return self.first[:, None] + torch.stack([one, other], -1)


@dataclass(frozen=True)
class Scenery(ABC):
    r"""How scenes are drawn, whatever their glyphs; a data section adds the glyphs.

    Attributes:
        classes: Number of classes k.
        grid: Cells along a side.
        sparsity: s, mean number of other classes' features in a scene.
        off_class_low: Least weight of such a feature.
        off_class_high: Greatest weight of such a feature.
        single_view_share: :math:`\mu`, share of training scenes that show one view; they are spread evenly over
            classes and views, their number a multiple of 2 k.
        norm: L2 norm of a glyph at weight 1.
        noise: Standard deviation of the noise of every pixel.
        train: Number of training scenes.
        test_multi: Number of test scenes that show both views.
        test_single: Number of test scenes that show one.
        clean_each: Clean scenes of each class and view.

    Raises:
        ValueError: If a value is impossible; the text says which.

    Example:
        >>> from probes.learners.images.digit_scenes import DigitScenes
        >>> DigitScenes(single_view_share=0.02, train=1500).single_views
        40
    """

    classes: int = 10
    grid: int = 3
    sparsity: float = 3.0
    off_class_low: float = 0.2
    off_class_high: float = 0.4
    single_view_share: float = 0.02
    norm: float = 4.0
    noise: float = 0.1
    train: int = 1500
    test_multi: int = 1000
    test_single: int = 2000
    clean_each: int = 10

    def __post_init__(self) -> None:
        others = VIEWS * (self.classes - 1)
        rules = [
            (self.classes >= 2, f"expected `classes` >= 2, got {self.classes}"),
            (self.grid >= 2, f"expected `grid` >= 2 (two views need two cells), got {self.grid}"),
            (0 <= self.sparsity <= others, f"expected `sparsity` in [0, {others}], got {self.sparsity}"),
            (
                0 <= self.off_class_low <= self.off_class_high < 1,
                f"expected 0 <= `off_class_low` <= `off_class_high` < 1, got {self.off_class_low} and "
                f"{self.off_class_high}",
            ),
            (
                0 <= self.single_view_share <= 1,
                f"expected `single_view_share` (mu) in [0, 1], got {self.single_view_share}",
            ),
            (self.norm > 0, f"expected `norm` > 0, got {self.norm}"),
            (self.noise >= 0, f"expected `noise` >= 0, got {self.noise}"),
            (
                min(self.train, self.test_multi, self.test_single, self.clean_each) >= 1,
                f"expected `train`, `test_multi`, `test_single` and `clean_each` >= 1, got "
                f"{[self.train, self.test_multi, self.test_single, self.clean_each]}",
            ),
        ]
        for holds, reason in rules:
            if not holds:
                raise ValueError(reason)

    @property
    def single_views(self) -> int:
        """Number of training scenes that show one view."""
        features = VIEWS * self.classes

        return min(self.train // features, round(self.single_view_share * self.train / features)) * features

    @abstractmethod
    def glyphs(self, part: Part, seed: int) -> Glyphs:
        """Return the glyphs of one part of the data.

        Args:
            part: "train" or "test"; no picture is in both.
            seed: Seed of the split.
        """

    def sample(self, part: Part, seed: int) -> Scenes:
        """Return the scenes of one part: first those that show both views, then those that show one.

        Args:
            part: "train" or "test".
            seed: Seed of the data: of the split of the pictures, and of what each scene holds.
        """
        singles = self.single_views if part == "train" else self.test_single
        multi = self.train - singles if part == "train" else self.test_multi
        turn = torch.arange(singles)
        labels = torch.cat([torch.arange(multi), turn]) % self.classes
        view = torch.cat([torch.full((multi,), BOTH), turn // self.classes % VIEWS])

        return _drawn(self, self.glyphs(part, seed), (labels, view), f"{part}-{seed}", generator(part, seed))

    def clean(self, seed: int) -> Scenes:
        """Return scenes of one view each, without noise or other classes' features: the probe batch of a race.

        Their pictures are those of the test part; `clean_each` scenes for each class and view.

        Args:
            seed: Seed of the data.
        """
        bare = replace(self, sparsity=0.0, noise=0.0)
        turn = torch.arange(VIEWS * self.classes * self.clean_each)
        labels, view = turn % self.classes, turn // self.classes % VIEWS

        return _drawn(bare, self.glyphs("test", seed), (labels, view), f"clean-{seed}", generator("clean", seed))


def _drawn(scenery: Scenery, glyphs: Glyphs, what: tuple[Tensor, Tensor], name: str, draws: torch.Generator) -> Scenes:
    """Return scenes of these labels that show these views."""
    labels, view = what
    own = one_hot(labels, scenery.classes).bool()[:, :, None].expand(-1, -1, VIEWS)
    shown = (view[:, None] == BOTH) | (view[:, None] == torch.arange(VIEWS))
    weights = torch.where(own, shown[:, None].float(), _off_class(scenery, own.shape, draws))
    weights, cells = _placed(own, weights, scenery.grid**2, draws)
    inputs = _composed(glyphs, weights, cells, scenery.grid, draws)
    inputs += scenery.noise * torch.randn(inputs.shape, generator=draws)

    return Scenes(
        inputs[:, None],
        labels,
        tuple(f"{name}-{number:05d}" for number in range(len(labels))),
        scenery.classes,
        shown=shown,
        cells=cells[torch.arange(len(labels)), labels],
        off_class=weights * ~own,
        cell_size=glyphs.pictures.shape[-1],
    )


def _off_class(scenery: Scenery, shape: torch.Size, draws: torch.Generator) -> Tensor:
    """Return the weight that each feature has where it is not the class's own, ``(sample, class, view)``."""
    there = torch.rand(shape, generator=draws) < scenery.sparsity / (VIEWS * (scenery.classes - 1))
    spread = scenery.off_class_high - scenery.off_class_low

    return (scenery.off_class_low + spread * torch.rand(shape, generator=draws)) * there


def _placed(own: Tensor, weights: Tensor, cells: int, draws: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return the weights of the features that found a cell, and their cells, -1 for the others, both as ``weights``.

    Own views choose first; the others follow at random until the cells are full.
    """
    keys = torch.rand(weights.shape, generator=draws) + 1.0 * ~own + 2.0 * (weights == 0)
    rank = keys.flatten(1).argsort(1).argsort(1).view(weights.shape)
    order = torch.rand(len(weights), cells, generator=draws).argsort(1)
    there = (weights > 0) & (rank < cells)
    place = order.gather(1, rank.clamp(max=cells - 1).flatten(1)).view(weights.shape)

    return weights * there, place.where(there, torch.tensor(-1))


def _composed(glyphs: Glyphs, weights: Tensor, cells: Tensor, grid: int, draws: torch.Generator) -> Tensor:
    """Return the canvases with a picture of every placed feature, ``(sample, height, width)``."""
    side = glyphs.pictures.shape[-1]
    picture = glyphs.choose(len(weights), draws)
    canvas = torch.zeros(len(weights), grid**2, side, side)
    sample, class_, view = (cells >= 0).nonzero(as_tuple=True)
    there = sample, class_, view
    canvas[sample, cells[there]] = glyphs.pictures[view, picture[there]] * weights[there][:, None, None]

    rows: Tensor = canvas.unflatten(1, (grid, grid)).transpose(2, 3)
    return rows.flatten(3).flatten(1, 2)
