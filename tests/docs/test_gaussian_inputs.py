import importlib.util
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch

from probes import open_logs, open_study
from tests.repository.sources import ROOT

SCRIPT = ROOT / "docs" / "gallery" / "gaussian_inputs.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("gaussian_inputs", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """What the quick form leaves: one setting at two seeds."""
    folder = tmp_path_factory.mktemp("inputs")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    command = [sys.executable, "-W", "error", str(SCRIPT), "--quick", "--out", str(folder)]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return folder


def test_a_setting_is_ten_networks_and_two_averages_of_five(recorded):
    study = open_study(next(recorded.glob("*/seed-0")))
    roles = [log.manifest.role for log in study.logs]
    assert (roles.count("single"), roles.count("average"), len(roles)) == (10, 2, 12)
    assert {len(log.outputs("test").labels) for log in study.logs} == {5000}
    assert (recorded / "inputs-gains.png").stat().st_size > 10_000 < (recorded / "inputs-errors.png").stat().st_size


def test_the_table_has_what_stored_outputs_say(recorded):
    table = pd.read_csv(recorded / "inputs-gains.csv").set_index(["learner", "networks"])
    errors = []
    for seed in ("seed-0", "seed-1"):
        stored = [log.outputs("test") for log in open_logs(next(recorded.glob(f"*/{seed}"))).by_role("single")]
        mean = sum(one.logits.astype(float) for one in stored) / 10
        errors.append((np.mean([np.mean(one.logits.argmax(1) != one.labels) for one in stored]),
                       np.mean(mean.argmax(1) != stored[0].labels)))  # fmt: skip
    single, ensemble = np.mean(errors, axis=0)

    assert table.loc[("single", 1), "error"] == pytest.approx(single, abs=1e-5)
    assert table.loc[("ensemble", 10), "gain"] == pytest.approx(single - ensemble, abs=1e-5)
    assert table["seeds"].eq(2).all()


def test_networks_that_share_nothing_vary_a_mth_as_much_in_an_ensemble_of_m(script):
    logits = 0.01 * np.random.default_rng(0).normal(size=(500, 4, 3))
    ratio = script.varied(logits.reshape(100, 5, 4, 3).mean(1)) / script.varied(logits)
    assert ratio == pytest.approx(1 / 5, rel=0.1)


@pytest.mark.parametrize("inputs", ["gaussian", "mixture"])
def test_labels_are_the_teachers_and_beyond_the_margin(script, inputs):
    torch.manual_seed(0)
    source = script.Labelled(script.Setting("residual", "residual", inputs, margin=0.3))
    drawn, labels = source.sample(200)
    outputs = (source.network(drawn) - source.mean) / source.spread
    others = outputs.clone()
    others[range(200), labels] = -torch.inf

    assert torch.all(outputs[range(200), labels] - others.amax(1) > 0.3)
    assert drawn.shape == (200, 32)
    assert drawn.var() == pytest.approx(1, abs=0.15)


def test_there_are_thirty_settings_and_four_decays_of_three_learners(script):
    assert (len(set(script.SETTINGS)), len(set(script.DECAYS))) == (30, 12)
    assert {setting.decay for setting in script.DECAYS} == {0.0, 0.3, 1.0, 3.0}


def test_kept_numbers_are_those_of_the_scripts_settings(script):
    kept = pd.read_csv(SCRIPT.with_name("inputs-gains.csv"))
    assert list(kept["setting"].unique()) == [script.said(setting) for setting in script.SETTINGS]
