"""The multi-view distribution D of Definitions 3.1 and 3.3: most samples show both views of their class, a few one.

Axes: n = sample, p = patch, f = feature = (feature_class, view) flattened.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from probes.learners.features import VIEWS
from probes.learners.naming import ADDED
from probes.learners.samples import MULTI_VIEW, Samples
from probes.learners.streams import stream

__all__ = ["MultiView"]

Range = tuple[float, float]
Split = Literal["even", "one"]


@dataclass(frozen=True)
class MultiView:
    r"""The distributions :math:`D_m`, :math:`D_s` and :math:`D` of Definitions 3.1 and 3.3.

    Source: `Allen-Zhu & Li (2023) <https://arxiv.org/abs/2012.09816>`_.
    A range is the support of a uniform draw of :math:`\sum_{p \in P_v} z_p` for one feature of one sample.

    Args:
        kind: How recipes call this distribution.
        classes: k.
        patches: P.
        feature_patches: :math:`C_p`, patches of a present feature.
        sparsity: s; every feature of another class is present with probability s/k.
        single_view_share: :math:`\mu`, the share of single-view samples.
        own: Sum of a shown view of the own class, inside [1, O(1)].
        second_view: What the second view of every class weighs beside the first: its sums are drawn from ``own`` times
            this. S of the two views then differ by its q-th power, and the lottery favours the first.
        off_class: Sum of a present feature of another class in multi-view samples, inside [Omega(1), 0.4].
        missing_view: Sum of the own view that a single-view sample misses, [rho, O(rho)].
        single_view_off_class: Sum of a present feature of another class in single-view samples, [Omega(Gamma), Gamma].
        own_split: How a sum is spread over its :math:`C_p` patches: "even" gives each 1/C_p; "one" puts it all on one
            patch, and the other C_p - 1, with :math:`z_p = 0`, are patches of noise like any other.
        off_class_split: The same for features of other classes. Remark 3.2 leaves both free.
        feature_noise: :math:`\gamma`; every patch holds every feature with a coefficient from U[0, gamma].
        noise: Norm of :math:`\xi_p` on patches that carry a feature.
        background_noise: Norm of :math:`\xi_p` on the others.
        balanced: Whether a training set holds its kinds, labels and shown views in their exact shares; else each is
            drawn independently, as in Definition 3.3. With a few single-view samples per class, chance would decide
            what each class is taught.
        spare_patches: How many patches of a sample, at least, carry no feature; one with fewer is drawn again. By the
            noise on them a sample is memorised.

    Raises:
        ValueError: If a value is impossible; the text says which and why.

    Example:
        >>> data = MultiView(classes=4, patches=12, sparsity=1.0, single_view_share=0.25)
        >>> samples = data.sample(8, seed=0)
        >>> samples.labels.tolist(), samples.view.tolist()
        ([0, 1, 2, 3, 0, 1, 0, 1], [-1, -1, -1, -1, -1, -1, 0, 1])
    """

    kind: Literal["multi_view"] = field(default="multi_view", kw_only=True)
    classes: int = 12
    patches: int = 15
    feature_patches: int = 3
    sparsity: float = 3.0
    single_view_share: float = 0.04
    own: Range = (1.0, 1.2)
    off_class: Range = (0.36, 0.4)
    missing_view: Range = (0.02, 0.02)
    single_view_off_class: Range = (0.135, 0.15)
    own_split: Split = "even"
    off_class_split: Split = "one"
    feature_noise: float = 0.0
    noise: float = 0.5
    background_noise: float = 0.5
    balanced: bool = True
    second_view: float = field(default=1.0, metadata=ADDED)
    spare_patches: int = field(default=0, metadata=ADDED)

    def __post_init__(self) -> None:
        for holds, reason in self._rules():
            if not holds:
                raise ValueError(reason)

    def _rules(self) -> Iterator[tuple[bool, str]]:
        """Yield what must hold, each with the text that refuses it."""
        yield self.classes >= 2, f"expected `classes` >= 2, got {self.classes}"
        yield self.feature_patches >= 1, f"expected `feature_patches` >= 1, got {self.feature_patches}"
        yield 0 < self.sparsity <= self.classes, f"expected `sparsity` in (0, {self.classes}], got {self.sparsity}"
        share = self.single_view_share
        yield 0 <= share <= 1, f"expected `single_view_share` (mu) in [0, 1], got {share}"
        for name in ("own_split", "off_class_split"):
            split = getattr(self, name)
            yield split in {"even", "one"}, f'expected `{name}` "even" or "one", got {split!r}'
        least = min(self.feature_noise, self.noise, self.background_noise)
        yield least >= 0, f"expected `feature_noise`, `noise` and `background_noise` >= 0, got {least}"
        yield from self._sum_rules()

        spare = self.spare_patches
        yield spare >= 0, f"expected `spare_patches` >= 0, got {spare}"
        present = 2 * self.sparsity * (self.classes - 1) / self.classes
        needed = spare + math.ceil(VIEWS * self._width(self.own_split) + present * self._width(self.off_class_split))
        spared = f", {spare} spare" if spare else ""
        holds = f"own views and {present:.1f} features of other classes on average{spared}"
        yield (
            self.patches >= needed,
            f"expected `patches` >= {needed} ({holds}), got {self.patches}: raise patches or lower sparsity",
        )

    def _sum_rules(self) -> Iterator[tuple[bool, str]]:
        for name in ("own", "off_class", "missing_view", "single_view_off_class"):
            low, high = getattr(self, name)
            yield 0 <= low <= high, f"expected `{name}` as [low, high] with 0 <= low <= high, got [{low}, {high}]"
        own, off = self.own[0], self.off_class[1]
        yield own >= 1, f"expected `own` to start at 1 or above (Definition 3.1), got {own}"
        yield (
            1 / own <= self.second_view <= 1,
            f"expected `second_view` in [{1 / own:.3g}, 1], so that `own` times it starts at 1 or above, too, got "
            f"{self.second_view}",
        )
        yield off <= 0.4, f"expected `off_class` to end at 0.4 or below (Definition 3.1), got {off}"
        rho, gamma = self.missing_view[1], self.single_view_off_class[0]
        yield (
            rho < gamma,
            f"expected `missing_view` (rho) below `single_view_off_class` (Gamma), got {rho} and {gamma}: else a "
            "single-view sample still shows its missing view best",
        )

    def sample(self, count: int, *, seed: int) -> Samples:
        r"""Return a training set of ``count`` samples from D (Definition 3.3), multi-view samples first.

        Args:
            count: Number of samples N.
            seed: Seed of the draw.
        """
        if self.balanced:
            single = round(self.single_view_share * count)
            return self.multi_view(count - single, seed=seed) + self.single_view(single, seed=seed)

        generator = stream("samples", seed)
        single = int((torch.rand(count, generator=generator) < self.single_view_share).sum())
        labels = torch.randint(self.classes, (count,), generator=generator)
        view = torch.randint(VIEWS, (count,), generator=generator)
        view[: count - single] = MULTI_VIEW
        many, few = slice(None, count - single), slice(count - single, None)

        return self._draw(labels[many], view[many], self.off_class, generator) + self._draw(
            labels[few], view[few], self.single_view_off_class, generator
        )

    def multi_view(self, count: int, *, seed: int) -> Samples:
        """Return ``count`` samples from D_m: both views of the own class at full weight.

        Args:
            count: Number of samples; labels take turns.
            seed: Seed of the draw.
        """
        labels = torch.arange(count) % self.classes
        view = torch.full((count,), MULTI_VIEW)

        return self._draw(labels, view, self.off_class, stream("multi-view samples", seed))

    def single_view(self, count: int, *, seed: int) -> Samples:
        """Return ``count`` samples from D_s: one view of the own class at full weight, the other nearly missing.

        Args:
            count: Number of samples; labels take turns, and so do the views within a class.
            seed: Seed of the draw.
        """
        turn = torch.arange(count)
        labels = turn % self.classes
        view = (turn // self.classes + labels) % VIEWS

        return self._draw(labels, view, self.single_view_off_class, stream("single-view samples", seed))

    def _draw(self, labels: Tensor, view: Tensor, off_class: Range, generator: torch.Generator) -> Samples:
        features = VIEWS * self.classes
        own = torch.arange(features) // VIEWS == labels.unsqueeze(1)
        present = self._present(own, generator)
        missing = own & (view.unsqueeze(1) != MULTI_VIEW) & (torch.arange(features) % VIEWS != view.unsqueeze(1))

        shown = _uniform(own.shape, self.own, generator) * self._weight(torch.arange(features))
        sums = torch.where(own, shown, _uniform(own.shape, off_class, generator))
        sums = torch.where(missing, _uniform(own.shape, self.missing_view, generator), sums) * present
        coefficients = self._place(sums, own, present, generator)

        norms = torch.where(coefficients.any(-1), self.noise, self.background_noise)
        coefficients += self.feature_noise * torch.rand(coefficients.shape, generator=generator)

        return Samples(coefficients, norms, labels, view)

    def _present(self, own: Tensor, generator: torch.Generator) -> Tensor:
        """Draw which features a sample holds, ``(sample, feature)``; again where they would not fit the patches."""
        chance, room = self.sparsity / self.classes, self.patches - self.spare_patches
        present = own | (torch.rand(own.shape, generator=generator) < chance)
        for _ in range(1000):
            crowded = self._widths(own, present).sum(1) > room
            if not crowded.any():
                return present
            redraw = torch.rand(int(crowded.sum()), own.shape[1], generator=generator) < chance
            present[crowded] = own[crowded] | redraw
        raise ValueError(
            f"expected `patches` less `spare_patches` with room for the features of a sample, got {room}: raise patches"
        )

    def _place(self, sums: Tensor, own: Tensor, present: Tensor, generator: torch.Generator) -> Tensor:
        """Give every present feature its own patches at random, ``(sample, patch, feature)``."""
        widths = self._widths(own, present)
        first = widths.cumsum(1) - widths
        slot = torch.arange(self.patches).view(1, -1, 1)
        held = (slot >= first.unsqueeze(1)) & (slot < (first + widths).unsqueeze(1))
        coefficients = held * (sums / widths.clamp(min=1)).unsqueeze(1)

        order = torch.rand(coefficients.shape[:2], generator=generator).argsort(1)
        return coefficients.gather(1, order.unsqueeze(-1).expand_as(coefficients))

    def _widths(self, own: Tensor, present: Tensor) -> Tensor:
        """Return how many patches carry each feature, ``(sample, feature)``."""
        return torch.where(own, self._width(self.own_split), self._width(self.off_class_split)) * present

    def _weight(self, feature: Tensor) -> Tensor:
        """Return what a shown view of the own class weighs, for each feature."""
        return torch.where(feature % VIEWS == 0, 1.0, self.second_view)

    def _width(self, split: Split) -> int:
        return self.feature_patches if split == "even" else 1


def _uniform(shape: torch.Size, support: Range, generator: torch.Generator) -> Tensor:
    low, high = support

    return low + (high - low) * torch.rand(shape, generator=generator)
