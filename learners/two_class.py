"""The two-class distribution of Section 2.3: four features, weights 1 and 0.1, 80 % of the samples show both views.

Axes: n = sample, p = patch, f = feature = (feature_class, view) flattened.
"""

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from probes.learners.features import VIEWS
from probes.learners.samples import MULTI_VIEW, Samples
from probes.learners.streams import stream

__all__ = ["TwoClass"]

CLASSES = 2


@dataclass(frozen=True)
class TwoClass:
    r"""The thought experiment of Section 2.3 of `Allen-Zhu & Li (2023) <https://arxiv.org/abs/2012.09816>`_.

    A sample shows both views of its class (80 %), only the first (10 %) or only the second (10 %), each with weight 1
    in a patch of its own, and one feature of the other class with weight 0.1 in a further patch.

    Args:
        kind: How recipes call this distribution.
        patches: Number of patches, at least 3; those without a feature hold noise alone.
        single_view_share: Share of samples that show one view, 0.2 in the paper.
        own_weight: Weight of a shown view.
        off_class_weight: Weight of the other class's feature, below ``own_weight``.
        noise: Norm of the noise of every patch.

    Raises:
        ValueError: If a value is impossible; the text says which and why.

    Example:
        >>> samples = TwoClass().sample(10, seed=0)
        >>> samples.view.tolist()
        [-1, -1, -1, -1, -1, -1, -1, -1, 0, 1]
        >>> sorted(samples.coefficients[0].flatten().tolist())[-3:]
        [0.10000000149011612, 1.0, 1.0]
    """

    kind: Literal["two_class"] = field(default="two_class", kw_only=True)
    patches: int = 4
    single_view_share: float = 0.2
    own_weight: float = 1.0
    off_class_weight: float = 0.1
    noise: float = 0.5

    def __post_init__(self) -> None:
        if self.patches < VIEWS + 1:
            raise ValueError(
                f"expected `patches` >= {VIEWS + 1} (two own views and one feature of the other class), "
                f"got {self.patches}"
            )
        if not 0 <= self.single_view_share <= 1:
            raise ValueError(f"expected `single_view_share` (mu) in [0, 1], got {self.single_view_share}")
        if not 0 <= self.off_class_weight < self.own_weight:
            raise ValueError(
                f"expected 0 <= `off_class_weight` < `own_weight`, got {self.off_class_weight} and {self.own_weight}"
            )
        if self.noise < 0:
            raise ValueError(f"expected `noise` >= 0, got {self.noise}")

    @property
    def classes(self) -> int:
        """Number of classes, 2."""
        return CLASSES

    def sample(self, count: int, *, seed: int) -> Samples:
        """Return ``count`` samples with the two kinds in their shares.

        Args:
            count: Number of samples N.
            seed: Seed of the draw.
        """
        single = round(self.single_view_share * count)

        return self.multi_view(count - single, seed=seed) + self.single_view(single, seed=seed)

    def multi_view(self, count: int, *, seed: int) -> Samples:
        """Return ``count`` samples that show both views of their class; labels take turns.

        Args:
            count: Number of samples.
            seed: Seed of the draw.
        """
        return self._draw(
            torch.arange(count) % CLASSES, torch.full((count,), MULTI_VIEW), stream("multi-view samples", seed)
        )

    def single_view(self, count: int, *, seed: int) -> Samples:
        """Return ``count`` samples that show one view of their class; labels and views take turns.

        Args:
            count: Number of samples.
            seed: Seed of the draw.
        """
        turn = torch.arange(count)
        labels = turn % CLASSES

        return self._draw(labels, (turn // CLASSES + labels) % VIEWS, stream("single-view samples", seed))

    def _draw(self, labels: Tensor, view: Tensor, generator: torch.Generator) -> Samples:
        row = torch.arange(len(labels))
        order = torch.rand(len(labels), self.patches, generator=generator).argsort(1)
        stray = VIEWS * (1 - labels) + torch.randint(VIEWS, labels.shape, generator=generator)

        coefficients = torch.zeros(len(labels), self.patches, VIEWS * CLASSES)
        for own in range(VIEWS):
            shown = (view == MULTI_VIEW) | (view == own)
            coefficients[row, order[:, own], VIEWS * labels + own] = self.own_weight * shown
        coefficients[row, order[:, VIEWS], stray] = self.off_class_weight

        return Samples(coefficients, torch.full(coefficients.shape[:2], self.noise), labels, view)
