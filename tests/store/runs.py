"""A small run with known rows, in every form in which a log can be read."""

import json
import shutil
import zlib

import numpy as np

from probes.log import Manifest, Series, open_log
from probes.log.memory import memory_log
from probes.log.writing import Position, RunWriter

DIMS = ("class", "neuron", "feature_class", "view")
SHAPE = (2, 3, 2, 2)
LABELS = {"view": ("left", "right")}
SERIES = (
    Series("correlations", DIMS, SHAPE, labels=LABELS),
    Series("conv/weight", ("neuron",), (5,), "<f8", "nats"),
    Series("count", (), (), "<i8"),
)
ROW_BYTES = 8 + 4 * 24 + 8 * 5 + 8
STEPS = np.array([*range(30), *range(30, 130, 5)])


def manifest(run_id="seed-0", **facts):
    return Manifest(run_id, SERIES, **facts)


def signed(text):
    """The text of a run.json that somebody has changed, with a checksum that fits."""
    data = {name: value for name, value in json.loads(text).items() if name != "checksum"}
    return json.dumps(data | {"checksum": zlib.crc32(json.dumps(data, sort_keys=True).encode())})


def arrays(steps=STEPS):
    """All rows at once, axes (step, *dims)."""
    random = np.random.default_rng(0)
    return {
        "correlations": random.normal(size=(len(steps), *SHAPE)).astype("f4"),
        "conv/weight": random.normal(size=(len(steps), 5)),
        "count": np.asarray(steps) ** 2,
    }


def fill(writer, steps=STEPS, rows=slice(None)):
    """Append the rows one by one, with scalars at every tenth."""
    whole = arrays(steps)
    for row in range(len(steps))[rows]:
        step = int(steps[row])
        writer.append(step, {name: values[row] for name, values in whole.items()})
        if row % 10 == 0:
            writer.log(step, {"train/loss": 1 / (1 + step)})
        if row % 20 == 0:
            writer.log(step, {"error": float("inf"), "train/loss": step / 2})


def scalars(steps=STEPS):
    """What `fill` logs: step -> name -> value."""
    logged = {}
    for row, step in enumerate(np.asarray(steps).tolist()):
        if row % 20 == 0:
            logged[step] = {"train/loss": step / 2, "error": float("inf")}
        elif row % 10 == 0:
            logged[step] = {"train/loss": 1 / (1 + step)}
    return logged


def in_memory(path):
    import pandas as pd

    return memory_log(manifest(), STEPS, arrays(), scalars=pd.DataFrame.from_dict(scalars(), orient="index"))


def live(path):
    """Read while the writer is at work: three segments and a journal."""
    writer = RunWriter(path, manifest(), block_bytes=12 * ROW_BYTES)
    fill(writer)
    writer.flush()
    log = open_log(path)
    log.writer = writer  # lives as long as the log
    return log


def journalled(path):
    """Nothing sealed yet."""
    writer = RunWriter(path, manifest())
    fill(writer)
    writer.flush()
    log = open_log(path)
    log.writer = writer
    return log


def closed(path, **options):
    with RunWriter(path, manifest(), **options) as writer:
        fill(writer)
    return open_log(path)


def packed(path):
    """Several segments, packed into log.h5."""
    return closed(path, block_bytes=12 * ROW_BYTES)


def segmented(path):
    """Several segments that stay, and a log.h5 that shows them."""
    return closed(path, block_bytes=12 * ROW_BYTES, pack_bytes=0)


def resumed(path):
    """Cut off twice, each time gone on with from some rows earlier, and closed."""
    log = resumed_live(path)
    log.writer.close()
    return log.refresh()


def resumed_live(path):
    """The same, read while the third attempt is at work."""
    small = {"block_bytes": 12 * ROW_BYTES, "pack_bytes": 0}
    again(path, slice(0, 37), Position(), **small).close("interrupted")
    again(path, slice(20, 43), Position(int(STEPS[19]), 20), **small).close("interrupted")
    writer = again(path, slice(31, None), Position(int(STEPS[30]), 31), **small)
    writer.flush()
    log = open_log(path)
    log.writer = writer
    return log


def resumed_packed(path):
    """Closed and packed, then gone on with from some rows earlier, and packed again."""
    packed(path)
    again(path, slice(20, None), Position(int(STEPS[19]), 20), block_bytes=12 * ROW_BYTES).close()
    return open_log(path)


def stopped(path):
    """As a writer that was killed leaves it."""
    log = live(path.with_name(f"{path.name}-dying"))
    shutil.copytree(log.path, path)
    (path / "LOCK").write_text("")
    log.writer.close()
    shutil.rmtree(log.path)
    return open_log(path)


def moved(path):
    """Read first while it is written, and then again when the files it lay in are gone."""
    log = live(path)
    assert len(log.steps) == len(STEPS)
    log.writer.close()
    assert not list(path.glob("seg-*"))
    return log


def again(path, rows, position, **options):
    """A writer that goes on with the run at a position, with so many rows of its own."""
    writer = RunWriter(path, manifest(), resume=position, **options)
    fill(writer, rows=rows)
    return writer


FORMS = {"memory": in_memory, "journal": journalled, "live": live, "one block": closed, "packed": packed}
FORMS |= {"segmented": segmented, "resumed": resumed, "resumed live": resumed_live, "resumed packed": resumed_packed}
FORMS |= {"stopped": stopped, "moved": moved}
