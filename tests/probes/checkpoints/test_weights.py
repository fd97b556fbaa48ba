import json
import os
import pickle

import pytest
import torch
from safetensors.torch import save_file

from probes.checkpoints import open_weights
from probes.errors import LogError

TENSORS = {"a.weight": torch.arange(6.0).view(2, 3), "a.bias": torch.ones(2), "b.weight": torch.full((1, 2), 7.0)}
COUNT = {"norm.num_batches_tracked": torch.tensor(5)}


def saved(path, content, **options):
    torch.save(content, path, **options)
    return path


def sharded(folder, *, suffix=".safetensors", index="model.safetensors.index.json"):
    files = {"a.weight": f"model-1{suffix}", "a.bias": f"model-1{suffix}", "b.weight": f"model-2{suffix}"}
    for file in set(files.values()):
        part = {name: tensor for name, tensor in TENSORS.items() if files[name] == file}
        (save_file if suffix == ".safetensors" else torch.save)(part, folder / file)
    (folder / index).write_text(json.dumps({"weight_map": files}))
    return folder / index


FORMS = {
    "a state dict": lambda folder: saved(folder / "x.pt", TENSORS | COUNT),
    "before torch 1.6": lambda folder: saved(folder / "x.pt", TENSORS, _use_new_zipfile_serialization=False),
    "beside an optimizer": lambda folder: saved(folder / "x.pt", {"model": TENSORS, "optimizer": {"lr": 1}, "step": 3}),
    "of Lightning": lambda folder: saved(folder / "x.ckpt", {"state_dict": TENSORS, "epoch": 1, "loops": {}}),
    "of DistributedDataParallel": lambda folder: saved(
        folder / "x.pt", {f"module._orig_mod.{name}": tensor for name, tensor in TENSORS.items()}
    ),
    "safetensors": lambda folder: save_file(TENSORS | COUNT, folder / "x.safetensors") or folder / "x.safetensors",
    "shards": sharded,
    "shards of torch": lambda folder: sharded(folder, suffix=".bin", index="pytorch_model.bin.index.json"),
}


@pytest.mark.parametrize("form", FORMS)
def test_all_tensors_but_counters_are_there_in_every_form(tmp_path, form):
    weights = open_weights(FORMS[form](tmp_path))

    assert dict(weights.shapes) == {name: tuple(tensor.shape) for name, tensor in TENSORS.items()}
    assert all(torch.equal(weights[name], tensor) for name, tensor in TENSORS.items())
    assert {path.suffix for path in weights.files.values()} <= {".pt", ".ckpt", ".safetensors", ".bin"}


def test_of_several_state_dicts_the_key_chooses(tmp_path):
    path = saved(tmp_path / "x.pt", {"teacher": {"w": torch.zeros(1)}, "student": {"w": torch.ones(1)}})

    assert open_weights(path, "student")["w"].item() == 1
    with pytest.raises(LogError) as refused:
        open_weights(path)
    assert str(refused.value) == (
        f"refused `{path}`: expected a whole checkpoint, got ValueError: expected a state dict, or one in an entry "
        "that --key names, got teacher, student"
    )
    with pytest.raises(LogError, match="expected an entry `other`, got teacher, student"):
        open_weights(path, "other")


def test_the_step_that_a_shard_states_is_known(tmp_path):
    save_file(TENSORS, tmp_path / "x.safetensors", {"step": "40"})
    assert open_weights(tmp_path / "x.safetensors").steps == {tmp_path / "x.safetensors": 40}


class Harmful:
    def __reduce__(self):
        return os.mkdir, (os.environ["HARM"],)


@pytest.mark.parametrize("write", [torch.save, lambda thing, path: path.write_bytes(pickle.dumps(thing))])
def test_code_in_a_file_is_refused_and_never_run(tmp_path, monkeypatch, write):
    monkeypatch.setenv("HARM", str(tmp_path / "harm"))
    write({"w": torch.ones(1), "x": Harmful()}, tmp_path / "x.pt")
    with pytest.raises(LogError) as refused:
        open_weights(tmp_path / "x.pt")

    assert not (tmp_path / "harm").exists()
    assert str(refused.value) == (
        f"refused `{tmp_path / 'x.pt'}`: expected tensors alone, got more than tensors, which only code in it could "
        "make; save the model's `state_dict()`, or convert it to safetensors where you trust it"
    )


@pytest.mark.parametrize("name", ["x.pt", "x.safetensors", "model-2.safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
def test_a_truncated_file_is_refused_in_a_line(tmp_path, name, share):
    saved(tmp_path / "x.pt", TENSORS), save_file(TENSORS, tmp_path / "x.safetensors")
    index = sharded(tmp_path)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(LogError, match=f"refused `{tmp_path / name}`: expected") as refused:
        open_weights(index if name.startswith("model") else tmp_path / name)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("index", "line"),
    [
        ("{}", "expected an index of weights at `{path}`, got KeyError: 'weight_map'"),
        ('{"weight_map": {"w": "away.safetensors"}}', "expected `away.safetensors` beside `{path}`, which names it"),
        ('{"weight_map": {"w": "../x.safetensors"}}', "expected `x.safetensors` beside `{path}`, which names it"),
        ('{"weight_map": {"w": "x.safetensors"}}', "expected `w` in `{folder}/x.safetensors`, as `{path}` says, got 3"),
    ],
)
def test_an_index_that_does_not_fit_its_files_is_refused(tmp_path, index, line):
    folder = tmp_path / "model"
    folder.mkdir()
    for path in (folder, tmp_path):
        save_file(TENSORS, path / "x.safetensors")
    (folder / "i.json").write_text(index)
    with pytest.raises(LogError) as refused:
        open_weights(folder / "i.json")
    assert str(refused.value).startswith(line.format(path=folder / "i.json", folder=folder))
