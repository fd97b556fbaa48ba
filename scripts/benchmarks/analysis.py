"""What reading findings from a log costs: time over one scan of the log, and memory over the log's bytes.

A scan unpacks every value of the log once, and does nothing else. The log has ten classes of ten neurons.
"""

import io
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from probes.analysis import theory
from probes.analysis.study import Study, open_study
from probes.analysis.taps.summaries import summarise
from probes.analysis.theory.contents import ROOMS
from probes.log import Log, Manifest, Series, open_log
from probes.log.layout import SUMMARIES
from probes.log.writing import RunWriter
from scripts.benchmarks.trajectories import noisy, trajectories
from scripts.benchmarks.turns import interleaved

__all__ = ["measure"]

Row = dict[str, object]

DIMS, SHAPE = ("class", "neuron", "feature_class", "view"), (10, 10, 10, 2)
SEALED = 1024  # steps; after so many the writer waits until what is full is sealed, as a slower training does
FEWEST = 256  # steps in which the trajectories can be followed
STRETCHED = 8  # recorded steps for each of the trajectories', with noise of their own
RECIPE = {"network": {"q": 3, "threshold": 0.5}, "data": {"mu": 0.04, "sparsity": 3.0}}


def measure(*, steps: int = 100_000, rounds: int = 3) -> list[Row]:
    """Return the ratios; what is compared takes turns."""
    with TemporaryDirectory() as name:
        log = _recorded(Path(name) / "single-00", steps)
        return [*_speed(log, rounds), _trajectory(log, rounds), _memory(log)]


def _recorded(path: Path, steps: int) -> Log:
    """The log of a race, every step of it different in its last digits."""
    exact = trajectories(max(FEWEST, -(-steps // STRETCHED)), SHAPE)
    series = (Series("correlations", DIMS, SHAPE),)
    with RunWriter(path, Manifest("single-00", series, role="single", recipe=RECIPE)) as writer:
        for first in range(0, steps, SEALED):
            part = noisy(exact[first // STRETCHED : (first + SEALED) // STRETCHED].repeat(STRETCHED, axis=0))
            for step, row in enumerate(part[: steps - first], first):
                writer.append(step, {"correlations": row})
            writer.log(first, {"loss": 1 / (1 + 9 * first / steps)})
            writer.flush()
    return open_log(path)


def _speed(log: Log, rounds: int) -> list[Row]:
    turns = [
        partial(_scan, log),
        partial(_bytes, log),
        partial(_anew, log, partial(summarise, log, Study(log).tap())),
        partial(_anew, log, partial(_tables, log.path)),
        partial(_tables, log.path),
        partial(_report, log.path),
        partial(_anew, log, partial(_report, log.path)),
    ]
    scan, raw, summary, tables, again, drawn_again, drawn = interleaved(turns, rounds=rounds, clock=time.process_time)
    size = _raw_bytes(log) / 1e6

    def row(what: str, seconds: float, over: float, target: str, beside: str) -> Row:
        note = f"{seconds:.2f} s of the processor, {size / seconds:.0f} MB/s, beside {over:.2f} s {beside}"
        return {"name": what, "ratio": over / seconds, "target": target, "note": note}

    of_scan, of_bytes = f"of a scan of {size:.0f} MB", "of reading the files' bytes from the page cache"
    return [
        row("summarising pass: speed over that of a scan", summary, scan, ">= 0.3", of_scan),
        row("all tables and claims: speed over that of a scan", tables, scan, ">= 0.3", of_scan),
        row("report with its figures: speed over that of a scan", drawn, scan, ">= 0.3", of_scan),
        row("summarising pass: speed over that of reading packed bytes", summary, raw, "", of_bytes),
        row("all tables and claims again: speed over the first time", again, tables, ">= 1", "the first time"),
        row("report with its figures again: speed over the first time", drawn_again, drawn, ">= 1", "the first time"),
    ]


def _trajectory(log: Log, rounds: int) -> Row:
    turns = [partial(_scan, log), lambda: log["correlations"][:, 3]]
    scan, read = interleaved(turns, rounds=rounds, clock=time.process_time)
    return {
        "name": "all correlations of a class at all steps over a scan (time)",
        "ratio": read / scan,
        "target": "<= 0.2",
        "note": f"{read:.2f} s over {scan:.2f} s of the processor, {len(log.steps):,} steps, one class of {SHAPE[0]}",
    }


def _memory(log: Log) -> Row:
    """What the whole analysis adds to a process that has analysed a small study before."""
    _forget(log)
    words = [sys.executable, "-c", _GROWTH, str(log.path)]
    added = int(subprocess.check_output(words, cwd=Path(__file__).parents[2]))
    return {
        "name": "memory that the report takes over the log's bytes",
        "ratio": added / _raw_bytes(log),
        "target": "<= 0.1",
        "note": f"{added / 1e6:.0f} MB over {_raw_bytes(log) / 1e6:.0f} MB; it does not grow with the log",
    }


def _scan(log: Log) -> None:
    for _ in log["correlations"].blocks():
        pass


def _bytes(log: Log) -> None:
    """Read every byte into memory that is there already."""
    buffer = bytearray(2**20)
    for path in log.path.glob("*.h5"):
        with path.open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass


def _anew(log: Log, work: Callable[[], object]) -> None:
    _forget(log)
    work()


def _tables(root: Path) -> None:
    """Every table of the theory, the claims among them."""
    study = open_study(root)
    for tables in ROOMS.values():
        for table in tables:
            getattr(theory, table)(study)


def _report(root: Path) -> None:
    open_study(root).report().render(io.StringIO())


def _forget(log: Log) -> None:
    (log.path / SUMMARIES).unlink(missing_ok=True)


def _raw_bytes(log: Log) -> int:
    return len(log.steps) * log.series["correlations"].row_bytes


_GROWTH = """
import io, re, sys
from pathlib import Path
from probes.analysis.study import Study, open_study
from probes.analysis.theory import example_study

def peak():
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

Study(example_study()).report().render(io.StringIO())
before = peak()
open_study(sys.argv[1]).report().render(io.StringIO())
print(peak() - before)
"""
