"""Files that declare far more than they hold, or than any writer writes."""

import json
import os
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import numpy as np
from tests.torture.hostile_files import JOURNAL, described, entries_of, frame_of

from probes.log.evaluation import Evaluation
from probes.log.writing import write_evaluation

__all__ = ["KINDS"]


def many_names(run: Path) -> None:
    """20 MB of frames, each with names of its own: 60,000 in all."""
    with (run / JOURNAL).open("ab") as file:
        for number in range(33):
            names = "\n".join(f"name-{number}-{name:0300}" for name in range(2000))
            frame_of(run, file, names=names.encode(), entries=entries_of(2000))


def one_frame_of_names(run: Path) -> None:
    """60,000 names in one frame."""
    with (run / JOURNAL).open("ab") as file:
        frame_of(run, file, names=b"\n".join(b"%d" % name for name in range(60_000)), entries=entries_of(60_000))


def sparse(run: Path) -> None:
    """A journal that ends in a hole."""
    os.truncate(run / JOURNAL, 2**30)


def many_series(run: Path) -> None:
    """Series enough to fill a memory."""
    first = json.loads((run / "run.json").read_text())["series"][0]
    described(run, series=[first | {"name": f"w{number}", "labels": {}} for number in range(160_000)])


def many_small_series(run: Path) -> None:
    """The same, and none of them whole."""
    described(run, series=[{"name": str(number)} for number in range(160_000)])


def swollen_evaluation(run: Path) -> None:
    """Zeros, each dataset within its limits, 45 GiB together."""
    write_evaluation(run, Evaluation({"a": np.zeros(3)}))
    with h5py.File(run / "evaluation.h5", "a") as file:
        rows = 2**26
        for number in range(90):
            options = {"chunks": (2**23,), "compression": "gzip", "compression_opts": 1}
            dataset = file.create_dataset(f"a{number}", (rows,), "<f8", **options)
            content = zlib.compress(bytes(2**26), 1)
            for start in range(0, rows, 2**23):
                dataset.id.write_direct_chunk((start,), content)


def many_steps(run: Path) -> None:
    """Zeros for steps."""
    with h5py.File(run / "log.h5", "a") as file:
        del file["step"]
        options = {"chunks": (2**23,), "compression": "gzip", "compression_opts": 1}
        dataset = file.create_dataset("step", (2**28,), "<i8", **options)
        content = zlib.compress(bytes(2**26), 1)
        for start in range(0, 2**28, 2**23):
            dataset.id.write_direct_chunk((start,), content)


KINDS: Mapping[str, tuple[str, Callable[[Path], object]]] = {
    "journal with 60,000 names": ("cut-off", many_names),
    "journal with 60,000 names in a frame": ("cut-off", one_frame_of_names),
    "journal of 1 GiB with holes": ("cut-off", sparse),
    "160,000 series": ("packed", many_series),
    "160,000 series that are none": ("packed", many_small_series),
    "evaluation of 45 GiB": ("packed", swollen_evaluation),
    "2 GiB of steps": ("packed", many_steps),
}
