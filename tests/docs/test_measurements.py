import math
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from probes import open_log
from tests.repository.sources import ROOT

FOLDER = ROOT / "docs" / "measurements"
PAGE = (ROOT / "docs" / "quantities.md").read_text(encoding="utf-8")
STEPS = {"key_frequencies": 120, "order_parameters": 1500}  # of the quick form
SCRIPTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.py"))}


def measured(name, folder):
    """The folder in which a script has been run for fewer steps."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    command = [sys.executable, "-W", "error", str(FOLDER / f"{name}.py"), str(STEPS[name])]
    subprocess.run(command, cwd=folder, env=environment, check=True)
    return folder


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_measurement_takes_at_most_ten_lines(name):
    parts = re.findall(
        r"^# What is measured\.\n(.*?)^# .*?^# The figure\.\n(.*)", SCRIPTS[name], re.DOTALL | re.MULTILINE
    )
    (lines,) = [[line for part in parts for line in part.splitlines() if line] for parts in parts]

    assert 0 < len(lines) <= 10


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_page_shows_what_is_measured(name):
    (shown,) = re.findall(rf"{name}\.py.*?```python\n(.*?)```", PAGE, re.DOTALL)

    assert shown in SCRIPTS[name]


def test_a_student_on_the_plateau_has_the_order_parameters_of_saad_and_solla(tmp_path):
    log = open_log(measured("order_parameters", tmp_path) / "runs" / "pair")
    units = 3
    own, teachers = (log[name][-50:].mean(axis=0) for name in ("weight.overlaps", "weight.teacher_overlaps"))

    np.testing.assert_allclose(own, 1 / (2 * units - 1), rtol=0.15)
    np.testing.assert_allclose(teachers, 1 / math.sqrt(units * (2 * units - 1)), rtol=0.15)
    assert (tmp_path / "order_parameters.png").stat().st_size > 10_000


def test_some_frequencies_of_modular_addition_leave_the_others(tmp_path):
    log = open_log(measured("key_frequencies", tmp_path) / "runs" / "addition")
    strengths = np.sqrt((log["0.weight"][:] ** 2).sum(axis=(1, 3)))

    assert strengths.shape == (121, 18)
    assert strengths[0].max() < 1.6 * np.median(strengths[0])
    assert strengths[-1].max() > 1.6 * np.median(strengths[-1])
    assert (tmp_path / "key_frequencies.png").stat().st_size > 5_000
