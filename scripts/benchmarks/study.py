"""What recording costs the theory study: every step of ten runs logged, beside the steps around it left alone."""

import math
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

from probes.directions import Directions
from probes.learners.objectives import CrossEntropy
from probes.learners.recipes import Recipe
from probes.learners.training import State, train
from probes.log.manifest import Manifest
from probes.recording import StackedRecorder
from probes.studies.recipe_files import built_in
from probes.studies.theory.material import Material

BLOCK, RUNS = 16, 10  # steps that are written together


def measure(recipe: Recipe | None = None) -> list[dict[str, object]]:
    """Return the ratio of a step, and that with the logs' beginning and end shared out among the recorded steps.

    In one training of the recipe's length blocks of steps are recorded and left alone by turns: a whole training beside
    another would tell of the machine, which is faster in one second than in the next.
    """
    material = Material(recipe or built_in("theory"))
    directions = Directions(material.features)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"run-{run}" for run in range(RUNS)]
        manifests = [Manifest(path.name, ()) for path in paths]
        recorder = StackedRecorder(paths, {"correlations": directions}, manifests)
        seconds, ends, values = _trained(material, recorder)

    alone, recorded = seconds[::2], seconds[1::2]
    ratio = median(2 * own / sum(around) for own, *around in zip(recorded, alone, alone[1:], strict=False))
    step, rows = median(alone) / BLOCK, BLOCK * len(recorded)
    values *= math.prod(directions.shape[:-1])

    return [
        {
            "name": "theory recipe: recorded over bare training step (time)",
            "ratio": ratio,
            "target": "<= 1.10",
            "note": f"of {RUNS} runs, {values:,} values; bare step {step * 1e3:.1f} ms",
        },
        {
            "name": "theory recipe: the same, and a share of what opening, sealing and packing the logs take (time)",
            "ratio": ratio + ends / rows / step,
            "target": "",
            "note": f"{ends:.2f} s for {rows} steps, {ends / rows / values * 1e9:.0f} ns a value",
        },
    ]


def _trained(material: Material, recorder: StackedRecorder) -> tuple[list[float], float, int]:
    """Seconds of each block, bare and recorded by turns, those that opening and closing take, and the neurons."""
    training = material.recipe.training
    start = material.initialise([(seed,) for seed in range(RUNS)])
    began: list[float] = []  # at which second each block
    ends = 0.0

    def on_step(state: State) -> None:
        nonlocal ends
        now = time.perf_counter()
        if state.step % BLOCK == 0:
            began.append(now)
        if state.step // BLOCK % 2 == 0:
            recorder.step(state.step, {"correlations": state.weights}, state.runs)
            recorder.log(state.step, state.scalars, state.runs)
        if state.step == 0:
            ends = time.perf_counter() - now

    rate = training.learning_rate
    train(start, material.training_inputs, CrossEntropy(), steps=training.steps, learning_rate=rate, on_step=on_step)
    now = time.perf_counter()
    recorder.close()
    ends += time.perf_counter() - now

    # The first block, which opens the logs, warms up.
    return [after - before for before, after in pairwise(began[1:])], ends, start.weights[0].numel()
