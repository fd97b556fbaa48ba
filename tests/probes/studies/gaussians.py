"""A study on Gaussian inputs that takes a tenth of a second."""

from probes.learners.gaussian_recipes import GaussianRecipe, GaussianRuns, GaussianTest
from probes.learners.layered import Layered
from probes.learners.minibatches import Minibatches
from probes.learners.teachers import TeacherLabels

SMALL = GaussianRecipe(
    name="small",
    data=TeacherLabels(classes=3, dim=8, teacher_width=5, label_noise=0.1),
    network=Layered(width=4, depth=1),
    training=Minibatches(samples=40, steps=6, batch_size=10),
    runs=GaussianRuns(single=4, average=2, members=2),
    measuring=GaussianTest(60, 20, 2),
)
