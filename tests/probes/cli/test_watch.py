import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from click.testing import CliRunner

from probes.cli import main
from probes.log import Manifest, Series, open_logs
from probes.log.writing import RunWriter

SERIES = Series("correlations", ("class", "neuron", "feature_class", "view"), (2, 3, 2, 2))
COMMAND = [sys.executable, "-m", "probes", "watch"]
QUIET = {**os.environ, "OMP_NUM_THREADS": "1", "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}


def probes(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def recording(tmp_path):
    """A run of which five steps are recorded, and more may be."""
    series = (SERIES,)
    with RunWriter(tmp_path / "seed-0", Manifest("seed-0", series, recipe={"steps": 40})) as writer:
        for step in range(5):
            writer.append(step, {"correlations": np.ones(SERIES.shape, "f4")})
            writer.log(step, {"loss": 0.5, "train_error": 0.25})
        writer.flush()
        yield writer


def test_a_finished_folder_is_shown_and_left(tiny_root):
    result = probes("watch", tiny_root)
    logs = open_logs(tiny_root)
    assert (result.exit_code, result.stderr) == (0, "")
    assert [line.split()[1] for line in result.stdout.splitlines()] == [log.manifest.run_id for log in logs]


def test_a_line_says_what_is_known_and_has_no_control_characters(recording):
    (line,) = probes("watch", recording.path.parent, "--once").stdout.splitlines()
    text = re.sub(r"\d\d:\d\d:\d\d (.*) [\d.,e+]+/s (.*) left [\d:]+", r"\1 \2", line)
    assert text == "seed-0 recording step 4/40 loss 0.5 error 0.25 won 0/2"
    assert line.isprintable()


def test_it_looks_until_the_run_has_ended(recording):
    ending = threading.Timer(0.4, recording.close)
    ending.start()
    words = [line.split()[2] for line in probes("watch", recording.path.parent, "--interval", 0.1).stdout.splitlines()]
    ending.join()
    assert words[-1] == "finished"
    assert words[:-1] == ["recording"] * (len(words) - 1)
    assert len(words) > 2


def test_json_is_a_line_a_run(tiny_root):
    rows = [json.loads(line) for line in probes("watch", tiny_root, "--json").stdout.splitlines()]
    assert [row["run"] for row in rows] == [log.manifest.run_id for log in open_logs(tiny_root)]
    assert all(np.shape(row["values"]) == (6, 2) and row["status"] == "finished" for row in rows)


def test_one_run_can_be_watched(tiny_root):
    run = next(tiny_root.glob("average-*"))
    assert probes("watch", run).stdout.split()[1] == run.name


def test_a_folder_without_runs_is_one_line(tmp_path):
    result = probes("watch", tmp_path)
    text = f"probes: expected runs under `{tmp_path}`, got no run.json in or below it; name another directory\n"
    assert (result.exit_code, result.stderr) == (1, text)


def test_no_interval_is_too_short_to_be_refused():
    result = probes("watch", "runs", "--interval", 0)
    assert result.exit_code == 2


def test_ctrl_c_ends_it_quietly_and_gives_the_cursor_back(recording):
    terminal, end = pty.openpty()
    with subprocess.Popen([*COMMAND, str(recording.path.parent)], stdout=end, stderr=end, env=QUIET) as process:
        drawn = b""
        while b"fills" not in drawn and b"off-class" not in drawn:
            drawn += os.read(terminal, 65536)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
    drawn += os.read(terminal, 65536)
    os.close(end)
    os.close(terminal)
    assert drawn.rindex(b"\x1b[?25h") > drawn.index(b"\x1b[?25l")
    assert b"Traceback" not in drawn
