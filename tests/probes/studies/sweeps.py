"""A sweep of seconds: two exponents, two seeds, six steps each."""

from probes.studies.recipe_files import built_in
from probes.studies.sweep import Sweep, changed, points_of

FEW = {"runs.single": 2, "runs.distilled": 0, "runs.self_distilled": 0, "runs.average": 0}
SMALL = changed(built_in("tiny"), {**FEW, "training.steps": 6, "measuring.test_samples": 20})
SWEEP = Sweep("exponents", points_of(SMALL, [{"network.q": 3}, {"network.q": 4}], [0, 1]))
