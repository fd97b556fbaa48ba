"""What recording costs an ordinary PyTorch training, over the same training left alone, beside what else one does."""

import math
import threading
import time
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import click
import h5py
import torch
from torch import nn

from probes.directions import Directions
from probes.quantities import inner_products
from probes.recording import Recorder
from scripts.benchmarks.turns import ratios

try:
    from torch.utils.tensorboard import SummaryWriter
except ImportError:
    SummaryWriter = None

NEURONS, DIM, CLASSES = 100, 64, 10  # 100 neurons x 10 classes x 2 views: 2,000 values a step
SECONDS, ROUNDS = 0.012, 75  # a turn takes at least so long, in whole blocks
BLOCK = 16  # steps that the recorder, and what is done by hand, write together
SEALED = 4096  # steps of 2,000 values, two segments
# Seconds of a step -> time with the recorder over time without; on a GPU the shortest step is what ordering it takes.
LIMITS = {"cpu": {0.001: "<= 1.10", 0.010: "<= 1.05"}, "cuda": {0.0: "", 0.0005: "", 0.001: "<= 1.10"}}


class Training:
    """A multilayer perceptron, its optimizer and a batch large enough for a step of about the given seconds."""

    def __init__(self, seconds: float, device: str = "cpu") -> None:
        self.device = torch.device(device)
        first = nn.Linear(DIM, NEURONS, device=device)
        self.weight = first.weight
        self.model = nn.Sequential(first, nn.ReLU(), nn.Linear(NEURONS, CLASSES, device=device))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1e-3, momentum=0.9)
        self.inputs = torch.empty(0)
        self.batch = 64
        for _ in range(12 if seconds else 0):
            self.batch = max(64, round(self.batch * seconds / self.seconds()))

        # Where hooks are kept: one training serves every contestant, since the times of two that are alike lie further
        # apart than what is measured, by where their memory happens to be.
        self._tables = [self.optimizer._optimizer_step_post_hooks, self.model._forward_hooks]  # noqa: SLF001

    def unhooked(self) -> list[dict[int, object]]:
        """Take out all hooks there are, and return them."""
        taken = [dict(table) for table in self._tables]
        for table in self._tables:
            table.clear()
        return taken

    def run_with(self, hooks: list[dict[int, object]], steps: int) -> None:
        """Train for some steps with these hooks and no others."""
        for table, own in zip(self._tables, hooks, strict=True):
            table.update(own)
        self.run(steps)
        self.unhooked()

    def run(self, steps: int) -> None:
        """Train for some steps, and wait until the device has done them."""
        if len(self.inputs) != self.batch:
            generator = torch.Generator(self.device).manual_seed(0)
            self.inputs = torch.randn(self.batch, DIM, generator=generator, device=self.device)
        for _ in range(steps):
            self.optimizer.zero_grad()
            self.model(self.inputs).square().mean().backward()
            self.optimizer.step()
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def seconds(self) -> float:
        """Of one step, in the middle of a few turns."""
        times = []
        for _ in range(9):
            began = time.perf_counter()
            self.run(BLOCK)
            times.append(time.perf_counter() - began)
        return median(times) / BLOCK


def measure() -> list[dict[str, object]]:
    """The ratios; every round trains alone and with each way to keep what the weights do, in turns."""
    devices = [device for device in LIMITS if device == "cpu" or torch.cuda.is_available()]
    if "cuda" not in devices:
        click.echo("recorder on a GPU: left out, there is none here", err=True)
    rows = [
        row for device in devices for seconds, limit in LIMITS[device].items() for row in _rows(seconds, limit, device)
    ]
    return rows + [_with_sealing(0.001, spare=spare) for spare in (1, 0)]


def _directions() -> Directions:
    return Directions(torch.eye(DIM)[: 2 * CLASSES].reshape(CLASSES, 2, DIM))


def _rows(seconds: float, limit: str, device: str) -> list[dict[str, object]]:
    directions = _directions()
    training = Training(seconds, device)
    steps = BLOCK * math.ceil(SECONDS / BLOCK / training.seconds())
    hooks = {"bare": training.unhooked()}

    with TemporaryDirectory() as folder, ExitStack() as stack:
        for name, hook in HOOKS.items():
            if hook(stack, Path(folder), training, directions):
                hooks[name] = training.unhooked()
        bare, *others = (partial(training.run_with, one, steps) for one in hooks.values())
        time_bare, measured = ratios(bare, others, rounds=ROUNDS)

    step = time_bare / steps
    place = "" if device == "cpu" else " on a GPU"
    length = f"{seconds * 1e3:g} ms step" if seconds else "shortest step"
    return [
        {
            "name": f"{length}{place}: {name} over bare (time)",
            "ratio": ratio,
            "target": limit if name == "recorder" else "",
            "note": f"{NOTES[name]}; bare step {step * 1e3:.2f} ms, {(ratio - 1) * step * 1e6:+.0f} us",
        }
        for name, ratio in zip(list(hooks)[1:], measured, strict=True)
    ]


def _with_sealing(seconds: float, *, spare: int) -> dict[str, object]:
    """Turns so long that segments fill: the ratio where so many cores are left over by the training."""
    threads = torch.get_num_threads()
    torch.set_num_threads(max(1, threads - spare))
    try:
        training = Training(seconds)
        hooks = [training.unhooked()]
        with TemporaryDirectory() as folder, ExitStack() as stack:
            _recorder(stack, Path(folder), training, _directions())
            hooks.append(training.unhooked())
            bare, recorded = (partial(_sealed, training, one) for one in hooks)
            time_bare, [ratio] = ratios(bare, [recorded], rounds=5)
    finally:
        torch.set_num_threads(threads)

    cores = f"{spare} core to spare" if spare else "every core is the training's"
    step = time_bare / SEALED
    return {
        "name": f"{seconds * 1e3:g} ms step: recorder over bare, sealing included, {cores} (time)",
        "ratio": ratio,
        "target": "",
        "note": f"{SEALED} steps at a time; bare step {step * 1e3:.2f} ms, {(ratio - 1) * step * 1e6:+.0f} us",
    }


def _sealed(training: Training, hooks: list[dict[int, object]]) -> None:
    """Train for so long that segments fill, until they are sealed."""
    training.run_with(hooks, SEALED)
    for thread in threading.enumerate():
        if thread.name == "probes-seal":
            thread.join()


def _recorder(stack: ExitStack, folder: Path, training: Training, directions: Directions) -> bool:
    recorder = Recorder(folder / "run", {"0.weight": directions})
    stack.enter_context(recorder.attach(training.model, training.optimizer))
    return True


def _nothing(stack: ExitStack, folder: Path, training: Training, directions: Directions) -> bool:
    """Left alone once more: how far two times for the same thing lie apart."""
    return True


def _by_hand(stack: ExitStack, folder: Path, training: Training, directions: Directions) -> bool:
    """The least that is possible: a copy after every update, and for sixteen of them one product and one raw write."""
    columns = directions.columns(like=training.weight)
    copies = torch.empty(BLOCK, NEURONS, DIM, device=training.device)
    products = torch.empty(BLOCK, NEURONS, CLASSES * 2, device=training.device)
    file = stack.enter_context((folder / "raw").open("wb", buffering=0))
    updates = count()

    def keep(*_: object) -> None:
        place = next(updates) % len(copies)
        copies[place].copy_(training.weight.detach())
        if place == len(copies) - 1:
            torch.bmm(copies, columns.expand(len(copies), -1, -1), out=products)
            file.write(products.numpy(force=True).data)

    training.optimizer.register_step_post_hook(keep)
    return True


def _naive_hdf5(stack: ExitStack, folder: Path, training: Training, directions: Directions) -> bool:
    """What one would write first: one more row of a resizable dataset after every update."""
    shape = (NEURONS, CLASSES, 2)
    file = stack.enter_context(h5py.File(folder / "naive.h5", "w"))
    dataset = file.create_dataset("correlations", (0, *shape), maxshape=(None, *shape), dtype="f4", chunks=True)

    def append(*_: object) -> None:
        dataset.resize(len(dataset) + 1, axis=0)
        dataset[-1] = inner_products(training.weight.detach(), directions).numpy(force=True)

    training.optimizer.register_step_post_hook(append)
    return True


def _torch_save(stack: ExitStack, folder: Path, training: Training, directions: Directions) -> bool:
    """One file of weights after every update; over the one before, so as not to fill the disk."""
    training.optimizer.register_step_post_hook(lambda *_: torch.save(training.weight, folder / "weight.pt"))
    return True


def _tensorboard(stack: ExitStack, folder: Path, training: Training, directions: Directions) -> bool:
    """A histogram of the weights after every update, where TensorBoard is installed."""
    if SummaryWriter is None:
        return False
    writer = SummaryWriter(folder / "tensorboard")
    stack.callback(writer.close)
    updates = count()
    training.optimizer.register_step_post_hook(
        lambda *_: writer.add_histogram("weight", training.weight, next(updates))
    )
    return True


def _wandb(stack: ExitStack, folder: Path, training: Training, directions: Directions) -> bool:
    """`wandb.watch` of the parameters at every update, offline, where it is installed."""
    try:
        import wandb
    except ImportError:
        return False
    stack.enter_context(wandb.init(mode="offline", dir=folder, settings=wandb.Settings(silent=True)))
    wandb.watch(training.model, log="parameters", log_freq=1)
    training.optimizer.register_step_post_hook(lambda *_: wandb.log({"loss": 0.0}))
    return True


HOOKS = {
    "recorder": _recorder,
    "bare once more": _nothing,
    "the same by hand": _by_hand,
    "naive per-step h5py": _naive_hdf5,
    "torch.save of the weights": _torch_save,
    "TensorBoard histogram": _tensorboard,
    "wandb.watch offline": _wandb,
}
NOTES = {
    "recorder": f"{NEURONS * CLASSES * 2:,} values after every update",
    "bare once more": "1 but for noise",
    "the same by hand": f"the floor: a copy a step; a product and a raw write every {BLOCK}",
    "naive per-step h5py": "resize and write a row",
    "torch.save of the weights": f"{NEURONS * DIM:,} values",
    "TensorBoard histogram": f"of {NEURONS * DIM:,} values",
    "wandb.watch offline": "histograms of all parameters",
}
