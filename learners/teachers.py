"""Gaussian inputs labelled by a random network, the teacher (Figure 7 of Allen-Zhu & Li, full version).

There are no views here: nothing but the teacher's decision makes a class. Its outputs are centred and scaled, each to
mean 0 and variance 1 over inputs, so that classes are of about the same size, and a margin has one meaning for all
teachers.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from probes.learners.layered import KINDS, Kind, Layered, Students, initialise
from probes.learners.streams import stream

__all__ = ["Labelled", "Teacher", "TeacherLabels"]

INPUTS = ("gaussian", "mixture")

_CALIBRATION = 8192  # inputs by which a teacher's outputs are scaled, and the share within the margin counted
_LEAST_KEPT = 0.01  # of the inputs: with fewer beyond the margin, drawing takes for ever


@dataclass(frozen=True)
class Labelled:
    """Inputs with their labels.

    Attributes:
        inputs: ``(sample, dim)``, float32.
        labels: ``(sample,)``, int64; some of them redrawn where there is label noise.
        clean: ``(sample,)``, int64: what the teacher says.

    Example:
        >>> len(TeacherLabels().teacher_of(0).sample(5, seed=1).labels)
        5
    """

    inputs: Tensor
    labels: Tensor
    clean: Tensor


@dataclass(frozen=True)
class TeacherLabels:
    r"""A distribution: Gaussian inputs, or a mixture of Gaussians, and the teacher that labels them.

    Inputs are N(0, I), or :math:`(c_j + N(0, I))/\sqrt{1 + spread^2}` with centres :math:`c_j \sim N(0, spread^2 I)`
    drawn once, each as likely as the others. The label is the argmax of the teacher's outputs.

    Attributes:
        kind: How recipes call this distribution.
        classes: Number of classes k.
        dim: Length of an input.
        inputs: "gaussian" or "mixture".
        components: Number of Gaussians in a mixture.
        spread: Standard deviation of their centres, in units of that of the inputs around them.
        teacher: "linear", "fully_connected", "convolutional" or "residual".
        teacher_width: Neurons of each of its layers.
        teacher_depth: Number of its layers below the last; blocks of a residual one.
        label_noise: Share of training labels that are replaced by another class, each as likely as the others.
        margin: Only inputs whose two largest outputs differ by more than this are drawn, in standard deviations of an
            output.

    Raises:
        ValueError: If a value is impossible; the text says which.

    Example:
        >>> TeacherLabels(teacher="linear", margin=0.5).teacher_of(0).sample(100, seed=1).inputs.shape
        torch.Size([100, 32])
    """

    kind: Literal["teacher_labels"] = "teacher_labels"
    classes: int = 10
    dim: int = 32
    inputs: Literal["gaussian", "mixture"] = "gaussian"
    components: int = 20
    spread: float = 1.0
    teacher: Kind = "fully_connected"
    teacher_width: int = 32
    teacher_depth: int = 1
    label_noise: float = 0.0
    margin: float = 0.0

    def __post_init__(self) -> None:
        least = {"classes": 2, "dim": 5, "components": 1, "teacher_width": 1, "teacher_depth": 1}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise ValueError(f"expected `data.{name}` >= {low}, got {getattr(self, name)}")
        for name, known in {"inputs": INPUTS, "teacher": KINDS}.items():
            if getattr(self, name) not in known:
                raise ValueError(f"expected `data.{name}` as one of {', '.join(known)}, got {getattr(self, name)!r}")
        if not 0 <= self.label_noise < 1:
            raise ValueError(f"expected `data.label_noise` in [0, 1), got {self.label_noise}")
        if min(self.margin, self.spread) < 0:
            raise ValueError(f"expected `data.margin` and `data.spread` >= 0, got {self.margin} and {self.spread}")

    def teacher_of(self, seed: int) -> "Teacher":
        """Return a teacher and the centres of its inputs, drawn by a seed.

        Raises:
            ValueError: If hardly any input lies beyond the margin.
        """
        shape = Layered(self.teacher, self.teacher_width, self.teacher_depth)
        draw = stream("centres", seed)
        centres = self.spread * torch.randn(self.components, self.dim, generator=draw)

        return Teacher(self, initialise(shape, self.dim, self.classes, seeds=[[seed]]), centres, seed)


@dataclass(frozen=True)
class Teacher:
    """A random network that labels inputs, and the distribution they come from.

    Attributes:
        labels: What is drawn.
        network: The network, one run of one member.
        centres: Centres of the mixture, ``(component, dim)``.
        seed: By which both were drawn.

    Raises:
        ValueError: If hardly any input lies beyond the margin.

    Example:
        >>> teacher = TeacherLabels(teacher="linear").teacher_of(0)
        >>> sample = teacher.sample(100, seed=1)
        >>> torch.equal(teacher.outputs(sample.inputs).argmax(-1), sample.clean)
        True
    """

    labels: TeacherLabels
    network: Students
    centres: Tensor
    seed: int

    def __post_init__(self) -> None:
        kept = self._beyond(self._calibration).float().mean().item()
        if kept < _LEAST_KEPT:
            raise ValueError(
                f"expected `data.margin` that keeps {_LEAST_KEPT:.0%} of the inputs or more, got {self.labels.margin}, "
                f"which keeps {kept:.2%}: lower it"
            )

    @cached_property
    def _calibration(self) -> Tensor:
        return self._inputs(_CALIBRATION, stream("calibration", self.seed))

    @cached_property
    def _scale(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of every output, ``(class,)``."""
        raw = self._raw(self._calibration)
        return raw.mean(0), raw.std(0)

    def outputs(self, inputs: Tensor) -> Tensor:
        """Return the outputs, each of mean 0 and variance 1 over inputs, ``(sample, class)``.

        Args:
            inputs: ``(sample, dim)``.
        """
        mean, spread = self._scale

        return (self._raw(inputs) - mean) / spread

    def sample(self, count: int, *, seed: int, label_noise: float = 0.0) -> Labelled:
        """Return labelled inputs, all of them beyond the margin.

        Args:
            count: Number of samples.
            seed: Seed of the draw.
            label_noise: Share of the labels that are replaced by another class: exactly so many, drawn at random.
        """
        draw = stream("samples", seed)
        parts: list[Tensor] = []
        while sum(map(len, parts)) < count:
            drawn = self._inputs(count, draw)
            parts.append(drawn[self._beyond(drawn)])
        inputs = torch.cat(parts)[:count]
        clean = self.outputs(inputs).argmax(-1)

        noisy = clean.clone()
        chosen = torch.randperm(count, generator=draw)[: round(label_noise * count)]
        shift = torch.randint(1, self.labels.classes, chosen.shape, generator=draw)
        noisy[chosen] = (clean[chosen] + shift) % self.labels.classes
        return Labelled(inputs, noisy, clean)

    def _raw(self, inputs: Tensor) -> Tensor:
        return self.network.outputs(inputs)[0]

    def _beyond(self, inputs: Tensor) -> Tensor:
        """Return which inputs lie beyond the margin, ``(sample,)``."""
        first, second = self.outputs(inputs).topk(2).values.unbind(-1)

        return first - second > self.labels.margin if self.labels.margin else torch.ones_like(first, dtype=torch.bool)

    def _inputs(self, count: int, draw: torch.Generator) -> Tensor:
        around = torch.randn(count, self.labels.dim, generator=draw)
        if self.labels.inputs == "gaussian":
            return around
        component = torch.randint(self.labels.components, (count,), generator=draw)
        spread: float = (1 + self.labels.spread**2) ** 0.5

        return (self.centres[component] + around) / spread
