"""What a log costs: time while it is recorded, bytes, time to read it, and memory."""

import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from probes.directions import Directions
from probes.learners.objectives import CrossEntropy
from probes.learners.recipe_files import built_in
from probes.learners.recipes import Recipe
from probes.learners.training import State, train
from probes.log import Log, Manifest, Series, open_log
from probes.log.writing import RunWriter
from probes.stacked import StackedRecorder
from probes.studies.material import Material
from scripts.benchmarks.appending import STEPS, Row, beside_sealing, without_sealing
from scripts.benchmarks.trajectories import noisy, trajectories
from scripts.benchmarks.turns import interleaved

DIMS, SHAPE = ("class", "neuron", "feature_class", "view"), (10, 10, 10, 2)
SEALED = 1024  # steps; after so many the writer waits until what is full is sealed, as a slower training does
TIMES = 16  # as many steps has the longer of two runs whose memory is compared


def measure(recipe: Recipe | None = None, *, steps: int = 16_384, rounds: int = 15) -> list[Row]:
    """Return the ratios; what is compared takes turns."""
    recipe = recipe or built_in("theory")
    exact = trajectories(steps, SHAPE)
    rows: list[Row] = []
    with TemporaryDirectory() as name:
        folder = Path(name)
        for values in STEPS:
            (folder / str(values)).mkdir()
            rows += without_sealing(folder / str(values), values, rounds=rounds)
        rows += [beside_sealing(folder, frames=1 + steps // 256, rounds=1 + rounds // 4)]
        what = f"recipe {recipe.name}, one network"
        rows += [_size(_trained(folder / "theory", recipe, null=False), what, "<= 0.45")]
        rows += [_size(_trained(folder / "null", recipe, null=True), f"{what}, and its null", "")]
        for kind, data, limit in (("no noise", exact, "<= 0.45"), ("noise 1e-4", noisy(exact), "<= 0.70")):
            log = _recorded(folder / kind, data)
            rows += [_size(log, f"growth by a power law, {kind}", limit), *_reading(log, kind, rounds)]
    return [*rows, _memory(steps // 4)]


def _trained(path: Path, recipe: Recipe, *, null: bool) -> Log:
    """The log of the first network of a recipe, every step of its training."""
    material = Material(recipe)
    taps = {"correlations": Directions(material.features)}
    with StackedRecorder([path], taps, [Manifest("run", ())], null=null) as recorder:

        def on_step(state: State) -> None:
            recorder.step(state.step, {"correlations": state.weights}, state.runs)

        start = material.initialise([(0,)])
        steps, rate = recipe.training.steps, recipe.training.learning_rate
        train(start, material.training_inputs, CrossEntropy(), steps=steps, learning_rate=rate, on_step=on_step)
    return open_log(path)


def _recorded(path: Path, data: NDArray[np.float32]) -> Log:
    with RunWriter(path, Manifest("run", (Series("correlations", DIMS, SHAPE),))) as writer:
        for step, row in enumerate(data):
            writer.append(step, {"correlations": row})
            if step % SEALED == SEALED - 1:
                writer.flush()
    return open_log(path)


def _size(log: Log, what: str, limit: str) -> Row:
    raw = len(log.steps) * sum(series.row_bytes for series in log.series.values())
    stored = sum(path.stat().st_size for path in _files(log))
    return {
        "name": f"{what}: log over raw float32 (bytes)",
        "ratio": stored / raw,
        "target": limit,
        "note": f"{len(log.steps):,} steps x {raw // len(log.steps) // 4:,} values, {stored / 1e6:.1f} MB",
    }


def _reading(log: Log, kind: str, rounds: int) -> list[Row]:
    view, middle = log["correlations"], len(log.steps) // 2
    for _ in range(2):  # the first read of few values is HDF5's, the second one asks it where all chunks lie
        view[:, 3, 2, 1, 0]
    turns: list[Any] = [
        partial(_scan, _files(log)),
        lambda: view[:, 3, 2, 1, 0],
        lambda: view[middle : middle + 1],
        lambda: open_log(log.path)["correlations"][:, 3, 2, 1, 0],
    ]
    scan, *others = interleaved(turns, rounds=rounds, clock=time.thread_time)
    return [
        {
            "name": f"{kind}: {what} over a raw scan of the run's files (time)",
            "ratio": seconds / scan,
            "target": limit,
            "note": f"{seconds * 1e3:.1f} ms over {scan * 1e3:.1f} ms of the processor, from the page cache",
        }
        for what, limit, seconds in zip(
            ("all steps of a value, again", "all values of a step, again", "opening, all steps of a value"),
            ("<= 1", "<= 1", ""),
            others,
            strict=True,
        )
    ]


def _files(log: Log) -> list[Path]:
    return sorted(log.path.glob("*.h5"))


def _scan(paths: list[Path]) -> None:
    """Read every byte into memory that is there already."""
    buffer = bytearray(2**20)
    for path in paths:
        with path.open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass


def _memory(steps: int) -> Row:
    """What recording adds to a process, over a few blocks and over many."""
    few, many = (
        int(subprocess.check_output([sys.executable, "-c", _GROWTH.format(steps=n)], cwd=Path(__file__).parents[2]))
        for n in (steps, TIMES * steps)
    )
    return {
        "name": f"memory of a writer after {TIMES * steps:,} steps over that after {steps:,} (bytes)",
        "ratio": many / few,
        "target": "constant",
        "note": f"{many / 1e3:.1f} MB over {few / 1e3:.1f} MB, blocks of 1 MiB",
    }


_GROWTH = """
import re
from pathlib import Path
from tempfile import TemporaryDirectory
import numpy as np
from probes.log import Manifest, Series
from probes.log.writing import RunWriter

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

def record(steps):
    row = np.random.default_rng(0).standard_normal(500, "f4")
    with TemporaryDirectory() as folder, RunWriter(
        Path(folder) / "run", Manifest("run", (Series("w", ("value",), (500,)),)), block_bytes=2**20, pack_bytes=0
    ) as writer:
        for step in range(steps):
            writer.append(step, {{"w": row}})

record(1)
before = peak()
record({steps})
print(peak() - before)
"""
