"""Images and ordinary networks for them: data with and without known views, stacks of runs, teachers and students.

Nothing here knows how training is recorded: `train` calls any ``on_step``.
"""

from probes.learners.images.digit_scenes import DigitScenes
from probes.learners.images.fashion_scenes import FashionScenes
from probes.learners.images.files import ImageFiles
from probes.learners.images.images import Images, Scenes
from probes.learners.images.networks import ImageNetwork
from probes.learners.images.section import ImageTraining
from probes.learners.images.stack import Stack
from probes.learners.images.targets import Hinton, class_mean_targets, ensemble_targets
from probes.learners.images.training import Progress, train

__all__ = [
    "DigitScenes",
    "FashionScenes",
    "Hinton",
    "ImageFiles",
    "ImageNetwork",
    "ImageTraining",
    "Images",
    "Progress",
    "Scenes",
    "Stack",
    "class_mean_targets",
    "ensemble_targets",
    "train",
]
