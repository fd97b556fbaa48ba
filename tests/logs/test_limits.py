"""Files that declare far more than they hold: each is refused, or harmless, within seconds and little memory."""

import json
import os
import zlib
from functools import partial

import h5py
import numpy as np
import pytest

from probes.errors import ProbesError
from probes.logs.evaluation import Evaluation
from probes.store import open_log, write_evaluation
from scripts.trials.hostile import READ
from scripts.trials.hostile_files import JOURNAL, described, entries_of, frame_of
from scripts.trials.processes import in_child
from scripts.trials.subjects import cut_off, packed

SECONDS, BYTES = 5, 2**27
ROWS = {"packed": packed, "cut-off": cut_off}


def many_names(run):
    """20 MB of frames, each with names of its own: 60,000 in all."""
    with (run / JOURNAL).open("ab") as file:
        for number in range(33):
            names = "\n".join(f"name-{number}-{name:0300}" for name in range(2000))
            frame_of(run, file, names=names.encode(), entries=entries_of(2000))


def one_frame_of_names(run):
    with (run / JOURNAL).open("ab") as file:
        frame_of(run, file, names=b"\n".join(b"%d" % name for name in range(60_000)), entries=entries_of(60_000))


def sparse(run):
    os.truncate(run / JOURNAL, 2**30)


def many_series(run):
    first = json.loads((run / "run.json").read_text())["series"][0]
    described(run, series=[first | {"name": f"w{number}", "labels": {}} for number in range(160_000)])


def many_small_series(run):
    described(run, series=[{"name": str(number)} for number in range(160_000)])


def swollen_evaluation(run, path="a"):
    write_evaluation(run, Evaluation({"a": np.zeros(3)}))
    with h5py.File(run / "evaluation.h5", "a") as file:
        rows = 2**26
        for number in range(90):
            options = {"chunks": (2**23,), "compression": "gzip", "compression_opts": 1}
            dataset = file.create_dataset(f"{path}{number}", (rows,), "<f8", **options)
            content = zlib.compress(bytes(2**26), 1)
            for start in range(0, rows, 2**23):
                dataset.id.write_direct_chunk((start,), content)


def many_steps(run):
    with h5py.File(run / "log.h5", "a") as file:
        del file["step"]
        options = {"chunks": (2**23,), "compression": "gzip", "compression_opts": 1}
        dataset = file.create_dataset("step", (2**28,), "<i8", **options)
        content = zlib.compress(bytes(2**26), 1)
        for start in range(0, 2**28, 2**23):
            dataset.id.write_direct_chunk((start,), content)


KINDS = {
    "journal with 60,000 names": ("cut-off", many_names),
    "journal with 60,000 names in a frame": ("cut-off", one_frame_of_names),
    "journal of 1 GiB with holes": ("cut-off", sparse),
    "160,000 series": ("packed", many_series),
    "160,000 series that are none": ("packed", many_small_series),
    "evaluation of 45 GiB": ("packed", swollen_evaluation),
    "2 GiB of steps": ("packed", many_steps),
}


def read(run, tell):
    import resource
    import time

    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        log = open_log(run)
        for look in READ:
            try:
                look(log)
            except ProbesError as error:
                tell(f"refused {error}")
    except ProbesError as error:
        tell(f"refused {error}")
    took = time.monotonic() - began
    taken = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    tell(f"took {took:.1f} s and {taken} bytes")
    if took > SECONDS or taken > BYTES:
        raise MemoryError(f"{took} s, {taken} bytes")


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_read_in_little_time_and_memory(tmp_path, kind):
    subject, change = KINDS[kind]
    run = tmp_path / "seed-0"
    ROWS[subject](run)
    open_log(run).scalars()
    change(run)
    lines, ending = in_child(partial(read, run))

    assert ending == "", lines
