"""Recipes of studies on Gaussian inputs, whose labels a random network gives (Figure 7), as frozen dataclasses."""

from dataclasses import dataclass, fields

from probes.learners.layered import Layered
from probes.learners.minibatches import Minibatches
from probes.learners.teachers import TeacherLabels

__all__ = ["GaussianRecipe", "GaussianRuns", "GaussianTest"]


@dataclass(frozen=True)
class GaussianRuns:
    """How many networks are trained alone, and how many averages of ``members`` networks each.

    Example:
        >>> GaussianRuns(single=6, members=3).average
        2
    """

    single: int = 10
    average: int = 2
    members: int = 5


@dataclass(frozen=True)
class GaussianTest:
    """Test samples, whose labels have no noise, and how many of them are looked at every few steps.

    Example:
        >>> GaussianTest(2000).monitor_every
        50
    """

    test_samples: int = 5000
    monitor_samples: int = 1000
    monitor_every: int = 50


@dataclass(frozen=True)
class GaussianRecipe:
    """A whole study on Gaussian inputs: data and teacher, network, training, and which runs it consists of.

    Args:
        name: Name of the recipe.
        seed: Seed from which every other is derived, the teacher's among them.
        data: Inputs, and the teacher that labels them.
        network: The learner.
        training: How it is trained.
        runs: Numbers of runs.
        measuring: The test set.

    Raises:
        ValueError: If a value is impossible; the text says which and why.

    Example:
        >>> GaussianRecipe(name="wide", network=Layered(width=256)).network.width
        256
    """

    name: str = "unnamed"
    seed: int = 0
    data: TeacherLabels = TeacherLabels()  # noqa: RUF009 - frozen
    network: Layered = Layered()  # noqa: RUF009 - frozen
    training: Minibatches = Minibatches()  # noqa: RUF009 - frozen
    runs: GaussianRuns = GaussianRuns()
    measuring: GaussianTest = GaussianTest()

    def __post_init__(self) -> None:
        least = {
            "seed": (self.seed, 0),
            "runs.single": (self.runs.single, 1),
            "runs.average": (self.runs.average, 0),
            "runs.members": (self.runs.members, 1),
            **{f"measuring.{item.name}": (getattr(self.measuring, item.name), 1) for item in fields(GaussianTest)},
        }
        for key, (value, low) in least.items():
            if value < low:
                raise ValueError(f"expected `{key}` >= {low}, got {value}")
