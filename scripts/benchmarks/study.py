"""What recording costs the theory study: every step of ten runs logged, beside the steps around it left alone."""

import tempfile
import time
from pathlib import Path
from statistics import median

from probes.directions import Directions
from probes.learners.objectives import CrossEntropy
from probes.learners.recipe_files import built_in
from probes.learners.recipes import Recipe
from probes.learners.training import State, train
from probes.logs.manifest import Manifest
from probes.stacked import StackedRecorder
from probes.studies.material import Material

BLOCK, RUNS = 16, 10  # steps that are written together


def measure(recipe: Recipe | None = None) -> list[dict[str, object]]:
    """Return the ratio of a step, and of all steps with the logs' beginning and end.

    In one training of the recipe's length blocks of steps are recorded and left alone by turns: a whole training beside
    another would tell of the machine, which is faster in one second than in the next.
    """
    recipe = recipe or built_in("theory")
    material = Material(recipe)
    start = material.initialise([(seed,) for seed in range(RUNS)])
    rate, steps = recipe.training.learning_rate, recipe.training.steps
    began: list[float] = []  # at which second each block
    ends = 0.0  # seconds that opening and closing take

    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"run-{run}" for run in range(RUNS)]
        manifests = [Manifest(path.name, ()) for path in paths]
        recorder = StackedRecorder(paths, {"correlations": Directions(material.features)}, manifests)

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

        train(start, material.training_inputs, CrossEntropy(), steps=steps, learning_rate=rate, on_step=on_step)
        now = time.perf_counter()
        recorder.close()
        ends += time.perf_counter() - now

    seconds = [end - start for start, end in zip(began[1:], began[2:], strict=False)]  # of each; the first warms up
    alone, recorded = seconds[::2], seconds[1::2]
    ratio = median(2 * own / sum(around) for own, *around in zip(recorded, alone, alone[1:], strict=False))
    whole = ratio + ends / steps / (median(alone) / BLOCK)
    note = f"of {RUNS} runs; bare step {median(alone) / BLOCK * 1e3:.0f} ms"

    return [
        {
            "name": "theory recipe: recorded over bare training step (time)",
            "ratio": ratio,
            "target": "<= 1.05",
            "note": note,
        },
        {
            "name": "theory recipe: the same over its whole training, logs opened, sealed and packed (time)",
            "ratio": whole,
            "target": "<= 1.10",
            "note": f"{steps} steps, {ends:.2f} s for the logs",
        },
    ]
