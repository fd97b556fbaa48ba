"""Recipes: everything that defines a study, as frozen dataclasses; `probes.studies` reads and writes them as TOML."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Literal

from probes.learners.activations import SmoothedReLU
from probes.learners.multiview import MultiView
from probes.learners.naming import ADDED
from probes.learners.networks import KINDS, Kind
from probes.learners.objectives import Distillation, Update
from probes.learners.optimizers import Optimizer, Rule
from probes.learners.two_class import TwoClass

__all__ = ["Measuring", "Network", "Noise", "Recipe", "Runs", "Teaching", "Training"]

# Sections that say how runs are trained; all but the first, how they are taught.
TRAININGS = ("training", "distilled", "continued", "fresh")


@dataclass(frozen=True)
class Noise:
    """How noise is realised: "private" (an orthogonal direction per sample and patch) or "gaussian" in ``dim``.

    Example:
        >>> Noise("gaussian", 400).dim
        400
    """

    form: Literal["private", "gaussian"] = "private"
    dim: int = 0


@dataclass(frozen=True)
class Network:
    """The learner: the patch network of Definition 3.4 by m, q, the threshold and the initial standard deviation.

    Of this network ``kind`` trains everything ("patch"), or its linearisation at initialisation ("tangent", an NTK
    learner), or a linear head on its neurons alone ("random_features"); see `probes.learners.linear`.

    Example:
        >>> Network(neurons=8).q, Network().kind
        (3, 'patch')
    """

    neurons: int = 6
    q: int = 3
    threshold: float = 0.5
    init_scale: float = 0.001
    kind: Kind = field(default="patch", metadata=ADDED)


@dataclass(frozen=True)
class Training:
    """Gradient descent (3.1): N, T, eta, and the factor c of a jointly trained average (c/K) sum F.

    The theory's descent is by all samples at once. The optimizer, as of `torch.optim`, and its ``batch_size`` (0: all
    samples) are those of the whole study: students, too, are trained by it, each with their own learning rate.

    Example:
        >>> Training(samples=960).steps, Training(batch_size=24).rule.epochs(1000, 480)
        (1000, 50)
    """

    samples: int = 480
    steps: int = 1000
    learning_rate: float = 20.0
    average_scale: float = 1.0
    optimizer: Rule = field(default="sgd", metadata=ADDED)
    batch_size: int = field(default=0, metadata=ADDED)
    momentum: float = field(default=0.0, metadata=ADDED)
    betas: tuple[float, float] = field(default=(0.9, 0.999), metadata=ADDED)
    eps: float = field(default=1e-8, metadata=ADDED)

    @property
    def rule(self) -> Optimizer:
        """The optimizer.

        Raises:
            ValueError: If it is impossible.
        """
        return Optimizer(self.optimizer, self.batch_size, self.momentum, self.betas, self.eps)


@dataclass(frozen=True)
class Teaching:
    """Distillation (4.3): T, eta, tau, eta'/eta, and the factor c of the teacher (4.1).

    Example:
        >>> Teaching(rate_ratio=8.0).temperature
        0.35
    """

    steps: int = 1000
    learning_rate: float = 20.0
    temperature: float = 0.35
    rate_ratio: float = 20.0
    teacher_scale: float = 4.0


@dataclass(frozen=True)
class Runs:
    """How many runs of each role, and by which updates of (4.3) students learn.

    ``average`` is the number of networks whose average is trained jointly. Students of the ensemble are trained by
    every update, from the same initialisations; the recipe stands by the first, which self-distillation uses too.
    ``self_distilled`` is the number of pairs in each form; form A has no more than there are pairs of single models.

    Example:
        >>> Runs(single=5).updates
        ('stopped', 'literal')
    """

    single: int = 10
    distilled: int = 3
    self_distilled: int = 4
    average: int = 10
    updates: tuple[Update, ...] = ("stopped", "literal")


@dataclass(frozen=True)
class Measuring:
    """Test samples of each kind for the final errors, and a smaller set that is measured every few steps.

    Example:
        >>> Measuring(test_samples=500).monitor_every
        50
    """

    test_samples: int = 10_000
    monitor_samples: int = 500
    monitor_every: int = 50


@dataclass(frozen=True)
class Recipe:
    r"""A whole study: data, network, training, and which runs it consists of.

    Args:
        name: Name of the recipe.
        seed: Seed from which every other is derived.
        data: The distribution: `MultiView` or `TwoClass`.
        noise: The form of the noise.
        network: The learner.
        training: How single models, and their average, are trained.
        distilled: How students of the ensemble are trained.
        continued: Self-distillation, form A: a trained network goes on, matching another.
        fresh: Self-distillation, form B: a student from a fresh initialisation.
        runs: Numbers of runs.
        measuring: Test sets.

    Raises:
        ValueError: If a value is impossible; the text says which and why.

    Example:
        >>> Recipe(name="wide", network=Network(neurons=20)).network.neurons
        20
    """

    name: str = "unnamed"
    seed: int = 0
    data: MultiView | TwoClass = field(default_factory=MultiView)
    noise: Noise = Noise()
    network: Network = Network()
    training: Training = Training()
    distilled: Teaching = Teaching()
    continued: Teaching = Teaching()
    fresh: Teaching = Teaching()
    runs: Runs = Runs()
    measuring: Measuring = Measuring()

    def __post_init__(self) -> None:
        SmoothedReLU(self.network.q, self.network.threshold)
        self.training.rule  # noqa: B018 - refuses what is impossible
        for teaching in (self.distilled, self.continued, self.fresh):
            for update in self.runs.updates:
                Distillation.check(teaching.temperature, teaching.rate_ratio, update)
        for holds, reason in self._rules():
            if not holds:
                raise ValueError(reason)

    def _bounds(self) -> Iterator[tuple[bool, str]]:
        """Yield what must hold of single numbers, each with the text that refuses it."""
        least = dict.fromkeys(["network.neurons", "runs.single", *(f"{part}.steps" for part in TRAININGS)], 1)
        least |= dict.fromkeys([f"measuring.{item.name}" for item in fields(Measuring)], 1)
        least |= dict.fromkeys(["runs.distilled", "runs.self_distilled", "runs.average"], 0)
        positive = [f"{part}.learning_rate" for part in TRAININGS] + [f"{part}.teacher_scale" for part in TRAININGS[1:]]

        for key, low in least.items():
            value = attrgetter(key)(self)
            yield value >= low, f"expected `{key}` >= {low}, got {value}"
        for key in ["training.average_scale", *positive]:
            value = attrgetter(key)(self)
            yield value > 0, f"expected `{key}` > 0, got {value}"

    def _rules(self) -> list[tuple[bool, str]]:
        room, network, runs = 2 * self.data.classes, self.network, self.runs

        return [
            (self.seed >= 0, f"expected `seed` >= 0, got {self.seed}"),
            *self._bounds(),
            *self._descent(),
            (
                self.noise.form in ("private", "gaussian"),
                f'expected `noise.form` "private" or "gaussian", got {self.noise.form!r}',
            ),
            (
                self.noise.form == "private" or self.noise.dim > room,
                f"expected `noise.dim` > {room} (2 features a class) for gaussian noise, got {self.noise.dim}",
            ),
            (
                network.kind in KINDS,
                f"expected `network.kind` as one of {', '.join(KINDS)}, got {network.kind!r}",
            ),
            (
                0 < network.init_scale <= 1,
                f"expected `network.init_scale` in (0, 1], got {network.init_scale}: neurons "
                "that start at zero never move",
            ),
            (
                self.training.samples >= self.data.classes,
                f"expected `training.samples` >= {self.data.classes} (one a class), got {self.training.samples}",
            ),
            (
                runs.self_distilled == 0 or runs.single >= 2,
                f"expected `runs.single` >= 2 for self-distillation (a teacher beside the student), got {runs.single}",
            ),
            (len(runs.updates) >= 1, 'expected at least one of "stopped" and "literal" in `runs.updates`, got none'),
        ]

    def _descent(self) -> Iterator[tuple[bool, str]]:
        """Yield what must hold of the optimizer beside the rest, each with the text that refuses it."""
        kind, training = self.network.kind, self.training

        yield (
            kind == "patch" or training.rule == Optimizer(),
            f"expected full-batch gradient descent for `network.kind` {kind!r}, got {training.rule}",
        )
        yield (
            training.batch_size <= training.samples,
            f"expected `training.batch_size` <= {training.samples} (`training.samples`), got {training.batch_size}",
        )
