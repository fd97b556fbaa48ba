"""What recording costs the theory study: every step of ten runs logged, over the same training left alone."""

import tempfile
from pathlib import Path

from probes.directions import Directions
from probes.learners.objectives import CrossEntropy
from probes.learners.recipe_files import built_in
from probes.learners.recipes import Recipe
from probes.learners.training import State, train
from probes.logs.manifest import Manifest
from probes.stacked import StackedRecorder
from probes.studies.material import Material
from scripts.benchmarks.turns import interleaved

STEPS, RUNS = 200, 10


def measure(recipe: Recipe | None = None) -> list[dict[str, object]]:
    """Return the ratio, a median over rounds in which the two take turns; opening and sealing the logs are counted."""
    recipe = recipe or built_in("theory")
    material = Material(recipe)
    directions = Directions(material.features)
    start = material.initialise([(seed,) for seed in range(RUNS)])
    rate = recipe.training.learning_rate

    def bare() -> None:
        train(start, material.training_inputs, CrossEntropy(), steps=STEPS, learning_rate=rate)

    def recorded() -> None:
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder) / f"run-{run}" for run in range(RUNS)]
            manifests = [Manifest(path.name, ()) for path in paths]
            with StackedRecorder(paths, {"correlations": directions}, manifests) as recorder:

                def on_step(state: State) -> None:
                    recorder.step(state.step, {"correlations": state.weights}, state.runs)
                    recorder.log(state.step, state.scalars, state.runs)

                train(start, material.training_inputs, CrossEntropy(), steps=STEPS, learning_rate=rate, on_step=on_step)

    seconds = interleaved([bare, recorded])

    return [
        {
            "name": "theory recipe: recorded over bare training step (time)",
            "ratio": seconds[1] / seconds[0],
            "target": "<= 1.10",
            "note": f"every step of {RUNS} runs, {STEPS} steps a round, files and sealing included",
        }
    ]
