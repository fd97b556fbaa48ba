import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from probes import open_log
from probes.cli import main


def called(*words):
    return CliRunner().invoke(main, list(map(str, words)))


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """Weights of six steps, and directions."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ckpt").mkdir()
    for step in range(0, 60, 10):
        weight = torch.eye(4, 6) + step * 0.01
        torch.save({"model": {"fc.weight": weight}, "lr": 0.1}, tmp_path / f"ckpt/step{step}.pt")
    np.save("axes.npy", np.eye(6, dtype="f4"))
    return tmp_path / "ckpt"


def test_checkpoints_become_a_run_that_can_be_analysed(saved, tmp_path):
    for name in ("seed-0", "seed-1"):
        result = called("import", "--tap", "fc.weight=axes.npy", "ckpt/step*.pt", "--out", f"runs/{name}")
        assert (result.exit_code, result.stdout, result.stderr) == (0, f"runs/{name}\n", "")

    found = open_log("runs/seed-0")["fc.weight"][:]
    np.testing.assert_allclose(
        found, [torch.load(saved / f"step{step}.pt")["model"]["fc.weight"] for step in range(0, 60, 10)]
    )
    assert called("verify", "runs").exit_code == 0
    result = called("analyze", "runs", "--json")
    assert result.exit_code == 0
    assert {row["run"] for row in json.loads(result.stdout)["runs"]} == {"seed-0", "seed-1"}


def test_what_is_wrong_is_printed_stands_in_the_run_and_is_found_by_verify(saved):
    (saved / "step30.pt").unlink()
    (saved / "step50.pt").write_bytes((saved / "step40.pt").read_bytes())
    result = called("import", "--tap", "fc.weight=axes.npy", "ckpt/step*.pt", "--out", "runs/seed-0")

    lines = ["steps 40 and 50 have the same weights", "steps that the others lead to expect are missing: 30"]
    assert (result.exit_code, result.stderr) == (0, "".join(f"probes: runs/seed-0: {line}\n" for line in lines))
    assert open_log("runs/seed-0").manifest.reason == "; ".join(lines)
    verified = called("verify", "runs")
    assert verified.exit_code == 0
    assert f"`runs/seed-0/run.json`: when it was recorded: {'; '.join(lines)}\n" in verified.stderr


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["away*.pt"], 2, "expected checkpoints at `away*.pt`, got none"),
        (
            ["ckpt/step*.pt", "--tap", "fc.weight=none.npy"],
            2,
            "no directions could be read from `none.npy`: No such file",
        ),
        (["ckpt/step*.pt", "--key", "net"], 1, "expected checkpoints of 2 steps or more, got 0; step 0 is left out"),
        (["ckpt/step*.pt", "--out", "there"], 1, "expected no run at"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(saved, words, code, line):
    called("import", "ckpt/step*.pt", "--out", "there")
    result = called("import", "--out", "runs/seed-0", *words)

    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith(f"probes: {line}")
    assert result.stderr.count("\n") == 1
