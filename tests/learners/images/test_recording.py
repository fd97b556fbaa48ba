from itertools import product

import torch

from probes.directions import Directions
from probes.learners.images.images import Images
from probes.learners.images.networks import ImageNetwork
from probes.learners.images.section import ImageTraining
from probes.learners.images.stack import Stack
from probes.learners.images.training import train
from probes.log import open_log
from probes.log.manifest import Manifest
from probes.quantities import Tap
from probes.recording import StackedRecorder

DRAWS = torch.Generator().manual_seed(0)
IMAGES = Images(torch.rand(6, 1, 8, 8, generator=DRAWS), torch.arange(6) % 2, tuple("abcdef"), 2)


def test_a_stack_is_recorded_run_by_run(tmp_path):
    stack = Stack([ImageNetwork(widths=(3, 4)).build((1, 8, 8), 2, seed=seed) for seed in range(2)])
    patches = torch.nn.functional.normalize(torch.rand(4, 25, generator=DRAWS), dim=1)
    tap, seen = Tap(Directions(patches, names=("patch",)), dims=("neuron",)), []
    paths = [tmp_path / f"single-{run}" for run in range(2)]
    manifests = [Manifest(run_id=path.name, series=()) for path in paths]
    with StackedRecorder(paths, {"0.weight": tap}, manifests, null=False) as recorder:

        def record(progress):
            filters = progress.stack.weights["0.weight"].detach().flatten(2)
            recorder.step(progress.step, {"0.weight": filters})
            recorder.log(progress.step, progress.scalars)
            seen.append(filters.clone())

        train(stack, IMAGES, ImageTraining(epochs=2, batch_size=3), order_seeds=[0, 1], on_step=record)

    for run, path in enumerate(paths):
        log = open_log(path)
        assert list(log.steps) == [0, 1, 2, 3, 4]
        for step, neuron, patch in product(range(5), range(3), range(4)):
            expected = sum(seen[step][run, neuron, pixel] * patches[patch, pixel] for pixel in range(25))
            assert abs(float(log["0.weight"][step][neuron, patch]) - float(expected)) < 1e-5
        assert len(log.scalars()) == 4
