"""What recording costs an ordinary PyTorch training, over the same training left alone, beside naive per-step h5py."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import torch
from torch import nn

from probes.directions import Directions
from probes.quantities import inner_products
from probes.recorder import Recorder
from scripts.benchmarks.turns import interleaved

NEURONS, DIM, CLASSES = 100, 64, 10  # 100 neurons x 10 classes x 2 views: 2,000 values a step
SECONDS, ROUNDS = 0.05, 75  # of training in a turn; turns so short that a busy machine slows all alike
LIMITS = {0.001: 1.10, 0.010: 1.05}  # seconds of a step -> time with the recorder over time without


class Training:
    """A multilayer perceptron, its optimizer and a batch large enough for a step of about the given seconds."""

    def __init__(self, seconds: float) -> None:
        first = nn.Linear(DIM, NEURONS)
        self.weight = first.weight
        self.model = nn.Sequential(first, nn.ReLU(), nn.Linear(NEURONS, CLASSES))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1e-3, momentum=0.9)
        self.batch = 64
        while self.seconds() < seconds:
            self.batch = int(self.batch * 1.2)

    def run(self, steps: int) -> None:
        """Train for some steps."""
        inputs = torch.randn(self.batch, DIM, generator=torch.Generator().manual_seed(0))
        for _ in range(steps):
            self.optimizer.zero_grad()
            self.model(inputs).square().mean().backward()
            self.optimizer.step()

    def seconds(self) -> float:
        """Of one step, the fastest of a few turns."""
        times = []
        for _ in range(5):
            began = time.perf_counter()
            self.run(10)
            times.append(time.perf_counter() - began)
        return min(times) / 10


def measure() -> list[dict[str, object]]:
    """The ratios; every round trains alone, with the recorder and with naive h5py in turns."""
    return [row for seconds, limit in LIMITS.items() for row in _rows(seconds, limit)]


def _rows(seconds: float, limit: float) -> list[dict[str, object]]:
    directions = Directions(torch.eye(DIM)[: 2 * CLASSES].reshape(CLASSES, 2, DIM))
    bare, recorded, naive = (Training(seconds) for _ in range(3))
    recorded.batch = naive.batch = bare.batch
    steps = round(SECONDS / seconds)

    with TemporaryDirectory() as folder, h5py.File(Path(folder) / "naive.h5", "w") as file:
        handle = naive.optimizer.register_step_post_hook(_naive_hook(file, naive.weight, directions))
        with Recorder(Path(folder) / "run", {"0.weight": directions}).attach(recorded.model, recorded.optimizer):
            times = interleaved([partial(one.run, steps) for one in (bare, recorded, naive)], rounds=ROUNDS)
        handle.remove()

    values = f"{NEURONS * CLASSES * 2:,} values after every update"
    added = [(total - times[0]) / steps * 1e6 for total in times]
    return [
        {
            "name": f"{seconds * 1e3:.0f} ms step: recorded over bare (time)",
            "ratio": times[1] / times[0],
            "target": f"<= {limit:.2f}",
            "note": f"{values}; bare step {times[0] / steps * 1e3:.2f} ms, recorder {added[1]:+.0f} us",
        },
        {
            "name": f"{seconds * 1e3:.0f} ms step: naive per-step h5py over bare (time)",
            "ratio": times[2] / times[0],
            "target": "",
            "note": f"{values}; resize and write a row, {added[2]:+.0f} us",
        },
    ]


def _naive_hook(file: h5py.File, weight: torch.Tensor, directions: Directions) -> Callable[..., None]:
    """What one would write first: one more row of a resizable dataset after every update."""
    shape = (NEURONS, CLASSES, 2)
    dataset = file.create_dataset("correlations", (0, *shape), maxshape=(None, *shape), dtype="f4", chunks=True)

    def append(*_: object) -> None:
        dataset.resize(len(dataset) + 1, axis=0)
        dataset[-1] = inner_products(weight.detach(), directions).numpy()

    return append
