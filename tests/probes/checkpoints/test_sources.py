from pathlib import Path

import pytest

from probes.checkpoints import find_checkpoints
from probes.errors import UsageError


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A way to make empty files below the working directory."""
    monkeypatch.chdir(tmp_path)

    def make(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    return make


def found(patterns, steps=""):
    return [(one.step, str(one.path)) for one in find_checkpoints(patterns, steps)]


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("step1000.pt", 1000),
        ("model_v2_step-30_bf16.pt", 30),
        ("epoch=3-step=1200.ckpt", 1200),
        ("iter_0005000.pth", 5000),
        ("run-2024/checkpoint-500/weights.bin", 500),
        ("global_step12/model.safetensors", 12),
        ("700.pt", 700),
    ],
)
def test_a_step_is_found_in_a_name_as_tools_write_it(made, name, step):
    made(name)
    assert found([name]) == [(step, name)]


def test_they_are_in_the_order_of_their_steps(made):
    made("a/step100.pt", "a/step20.pt", "a/step3.pt", "a/step3.txt")
    assert found(["a/step*.pt"]) == [(3, "a/step3.pt"), (20, "a/step20.pt"), (100, "a/step100.pt")]
    assert found([str(Path("a").absolute()) + "/step2*"])[0][0] == 20


@pytest.mark.parametrize("inside", ["model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"])
def test_a_folder_of_a_model_stands_for_its_weights(made, inside):
    made(f"checkpoint-5/{inside}", "checkpoint-5/optimizer.pt", "checkpoint-5/config.json")
    assert found(["checkpoint-*"]) == [(5, f"checkpoint-5/{inside}")]


def test_a_pattern_says_where_the_step_stands(made):
    made("step1-epoch_7.pt", "step1-epoch_8.pt")
    assert [step for step, _ in found(["*.pt"], r"epoch_(\d+)")] == [7, 8]


def test_a_table_says_which_step_a_file_is_of(made, tmp_path):
    made("saved/best.pt", "saved/last.pt")
    (tmp_path / "saved/steps.csv").write_text("\ufefffile,step\nlast.pt,90\nbest.pt,40\n", encoding="utf-8")
    assert found(["saved/*.pt"], "saved/steps.csv") == [(40, "saved/best.pt"), (90, "saved/last.pt")]


ADVICE = "; state where it stands, as --step 'epoch_(\\d+)', or name a table of files and steps, as --step steps.csv"


@pytest.mark.parametrize(
    ("patterns", "steps", "line"),
    [
        (["none*.pt"], "", "expected checkpoints at `none*.pt`, got none"),
        (["epoch_3.pt"], "", f"expected the step in the name of `epoch_3.pt`, got none{ADVICE}"),
        (["step7.pt", "b/step7.pt"], "", f"expected one checkpoint of step 7, got step7.pt and b/step7.pt{ADVICE}"),
        (
            ["step7.npy"],
            "",
            "expected a file of weights (.safetensors, .json, .pt, .pth, .bin, .ckpt), got `step7.npy`",
        ),
        (["step7.pt"], "step7", "expected one group in --step, as in 'epoch_(\\d+)', got `step7`"),
        (["step7.pt"], "step.csv", "expected a step, 0 or more, for `step7.pt` in `step.csv`, got none"),
        (["step7.pt"], "bad.csv", "expected columns `file` and `step`, whole numbers, in `bad.csv`, got 'step'"),
        (
            ["step9"],
            "",
            "expected weights in `step9`, one of model.safetensors, model.safetensors.index.json, "
            "adapter_model.safetensors, pytorch_model.bin, pytorch_model.bin.index.json, got none",
        ),
    ],
)
def test_what_names_no_checkpoints_is_refused_in_a_line(made, patterns, steps, line):
    made("epoch_3.pt", "step7.pt", "b/step7.pt", "step7.npy", "step9/config.json")
    Path("step.csv").write_text("file,step\nother.pt,3\n", encoding="utf-8")
    Path("bad.csv").write_text("file,epoch\nstep7.pt,3\n", encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        find_checkpoints(patterns, steps)
    assert str(refused.value) == line


@pytest.mark.parametrize(("steps", "start"), [("(", "expected a regular"), ("no.csv", "expected a table of files")])
def test_what_says_no_steps_is_refused(made, steps, start):
    made("step7.pt")
    with pytest.raises(UsageError, match=start):
        find_checkpoints(["step7.pt"], steps)
