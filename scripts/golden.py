"""One small run of every kind in today's format, and what must be read of it for ever: written once for each format."""

import hashlib
import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import numpy as np

from probes.log import Evaluation, Log, Manifest, Series, StoredDirections, open_log
from probes.log.layout import FORMAT_VERSION, LOCK
from probes.log.writing import Position, RunWriter, write_evaluation

__all__ = ["content", "digest"]

FOLDER = Path(__file__).parents[1] / "tests/store/golden"
EXPECTED = "expected.json"

SERIES = (
    Series("correlations", ("class", "feature_class", "view"), (2, 2, 2), labels={"view": ("left", "right")}),
    Series("conv/weight", ("neuron",), (3,), "<f8", "nats"),
    Series("count", (), (), "<i8"),
    Series("spectrum", ("rank",), (2,), schedule="every(2)"),
)
ROW_BYTES = 8 + sum(one.row_bytes for one in SERIES if not one.schedule)
ROWS, BLOCK_ROWS = 11, 4
STEPS = [*range(6), *range(6, 6 + 10 * (ROWS - 6), 10)]


@click.command()
def main() -> None:
    """Write the runs of this format and what they hold; those that are there are never written again."""
    target = FOLDER / f"format-{FORMAT_VERSION}"
    if target.exists():
        sys.exit(f"expected nothing at `{target}`, got a folder; files of a released format stay as they are")
    with TemporaryDirectory() as folder:
        root = Path(folder)
        _packed(root / "packed")
        _resumed(root / "resumed")
        _cut_off(root / "cut-off")
        expected = {run.name: content(open_log(run)) for run in sorted(root.iterdir())}
        for run in expected:
            shutil.copytree(root / run, target / run)
        (target / EXPECTED).write_text(json.dumps(expected) + "\n")
    click.echo(f"{target}: {digest(target)}")


def content(log: Log) -> Mapping[str, Any]:
    """Return all that a log says, as JSON can hold it."""
    evaluation = log.evaluation
    return {
        "manifest": json.loads(json.dumps(log.manifest.to_json())),
        "status": log.status,
        "faults": [fault.replace(f"{log.path}/", "") for fault in log.faults],
        "steps": log.steps.tolist(),
        "series": {name: np.asarray(log[name]).tolist() for name in log.series},
        "steps_of": {name: log[name].steps.tolist() for name in log.series},
        "scalars": [
            [name, int(step), value]
            for name, column in log.scalars().items()
            for step, value in column.dropna().items()
        ],
        "directions": {name: log.directions(name).vectors.tolist() for name in ("correlations",)},
        "evaluation": [_listed(evaluation.arrays), dict(evaluation.attrs)] if evaluation else None,
    }


def digest(folder: Path) -> str:
    """Return a hash of the names and contents of all files below a folder."""
    found = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        found.update(f"{file.relative_to(folder)} {file.stat().st_size}\n".encode() + file.read_bytes())
    return found.hexdigest()


def _listed(arrays: Mapping[str, Any]) -> dict[str, Any]:
    return {name: array.tolist() for name, array in arrays.items()}


def _packed(path: Path) -> None:
    with _writer(path) as writer:
        _fill(writer, 0, ROWS)
    write_evaluation(path, Evaluation({"training/labels": np.arange(5), "rate": np.array(0.5)}, {"mu": 0.25, "q": 4}))


def _resumed(path: Path) -> None:
    """Two attempts, whose rows stay in segments that log.h5 shows."""
    with _writer(path, pack_bytes=0) as writer:
        _fill(writer, 0, 9)
    with _writer(path, pack_bytes=0, resume=Position(STEPS[6], 7)) as writer:
        _fill(writer, 7, ROWS)


def _cut_off(path: Path) -> None:
    """A segment and a journal, as a process that was killed amid a write leaves them."""
    live = path.with_name("live")
    writer = _writer(live)
    _fill(writer, 0, 7)
    writer.flush()
    shutil.copytree(live, path)
    writer.close()
    shutil.rmtree(live)
    (path / LOCK).write_text("")
    journal = max(path.glob("*.wal"))
    journal.write_bytes(journal.read_bytes()[:-20])


def _writer(path: Path, **options: Any) -> RunWriter:
    manifest = Manifest(
        "seed-0",
        SERIES,
        schedule="first(5) | window(6, 100, 10)",
        role="single",
        seeds={"data": 0, "init": 3},
        recipe={"data": {"mu": 0.25}, "network": {"q": 4}},
        created="2024-01-01T00:00:00+00:00",
        versions={"feature-probes": "0.1.0"},
        commit="0" * 40,
    )
    directions = {"correlations": StoredDirections(("feature_class", "view"), np.eye(4, dtype="f4").reshape(2, 2, 4))}
    block = {"block_bytes": BLOCK_ROWS * ROW_BYTES, "flush_every": 2, "flush_seconds": 1e9}
    return RunWriter(path, manifest, directions=directions, **(block | options))


def _fill(writer: RunWriter, first: int, stop: int) -> None:
    """Rows with values that are hard to keep, and scalars at every third."""
    for row in range(first, stop):
        values = np.random.default_rng(row).normal(size=8)
        values[0] = [-0.0, np.inf, 5e-324, 1e38][row % 4]
        writer.append(
            STEPS[row],
            {
                "correlations": values.astype("f4").reshape(2, 2, 2),
                "conv/weight": values[:3],
                "count": np.array((-1) ** row * 2**row),
                **({"spectrum": values[4:6].astype("f4")} if STEPS[row] % 2 == 0 else {}),
            },
        )
        if row % 3 == 0:
            writer.log(STEPS[row], {"train/loss": float(values[1]), "error": float("inf")})


if __name__ == "__main__":
    main()
