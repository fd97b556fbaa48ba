import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from probes.checkpoints import Checkpoint, find_checkpoints, import_checkpoints
from probes.directions import Directions
from probes.errors import LogError, UsageError
from probes.log import open_log
from probes.quantities import Tap
from probes.recording import Recorder

DIRECTIONS = Directions(torch.randn(3, 2, 6, generator=torch.Generator().manual_seed(0)))


def network(seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


@pytest.fixture
def trained(tmp_path):
    """Checkpoints every third step of a recorded training, and its log."""
    model, folder = network(), tmp_path / "saved"
    folder.mkdir()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Recorder(tmp_path / "live", {"0.weight": DIRECTIONS}).attach(model, optimizer):
        for step in range(10):
            if step % 3 == 0:
                torch.save(model.state_dict(), folder / f"step{step}.pt")
            inputs = torch.randn(8, 6, generator=torch.Generator().manual_seed(step))
            optimizer.zero_grad()
            model(inputs).square().mean().backward()
            optimizer.step()
    return folder, open_log(tmp_path / "live")


def imported(folder, path, taps=None, **options):
    taps = {"0.weight": DIRECTIONS} if taps is None else taps
    return import_checkpoints(find_checkpoints([f"{folder}/step*"]), path, taps, **options)


def test_a_log_of_checkpoints_is_that_of_the_training_at_their_steps(trained, tmp_path):
    folder, live = trained
    assert imported(folder, tmp_path / "run") == ()

    log = open_log(tmp_path / "run")
    assert (log.steps.tolist(), log.status, log.manifest.reason) == ([0, 3, 6, 9], "finished", "")
    np.testing.assert_array_equal(log["0.weight"][:], live["0.weight"][:][[0, 3, 6, 9]])
    np.testing.assert_array_equal(log["0.weight.null"][:].shape[1:], live["0.weight.null"][:].shape[1:])
    assert [step for step, _ in log.manifest.recipe["checkpoints"]] == [0, 3, 6, 9]


def test_without_taps_it_has_the_norm_of_every_weight(trained, tmp_path):
    folder, _ = trained
    imported(folder, tmp_path / "run", {}, role="teacher", name="first", parents=("a",))

    log = open_log(tmp_path / "run")
    weights = [torch.load(folder / f"step{step}.pt")["2.weight"] for step in (0, 3, 6, 9)]
    np.testing.assert_allclose(log["2.weight.norm"][:], [one.norm() for one in weights], rtol=1e-6)
    assert (log.manifest.role, log.manifest.name, log.manifest.parents) == ("teacher", "first", ("a",))


def test_a_log_may_begin_later_than_the_training(trained, tmp_path):
    folder, live = trained
    (folder / "step0.pt").unlink()
    assert imported(folder, tmp_path / "run") == ("the first checkpoint is of step 3: the initialisation is not there",)

    log = open_log(tmp_path / "run")
    assert log.steps.tolist() == [3, 6, 9]
    np.testing.assert_array_equal(log["0.weight"][0], live["0.weight"][3])
    assert log.manifest.reason == "the first checkpoint is of step 3: the initialisation is not there"


def test_what_cannot_be_used_is_left_out_and_named(trained, tmp_path):
    folder, live = trained
    (folder / "step3.pt").write_bytes(b"no weights")
    torch.save(nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Linear(5, 2)).state_dict(), folder / "step6.pt")
    (folder / "step12.pt").write_bytes((folder / "step9.pt").read_bytes())
    notes = imported(folder, tmp_path / "run")

    log = open_log(tmp_path / "run")
    assert log.steps.tolist() == [0, 9, 12]
    np.testing.assert_array_equal(log["0.weight"][:], live["0.weight"][:][[0, 9, 9]])
    assert notes[0].startswith(f"step 3 is left out: refused `{folder / 'step3.pt'}`: expected")
    assert notes[1:] == (
        "step 6 is left out: expected `0.weight` of shape (4, 6), as in most others, got (5, 6)",
        "steps 9 and 12 have the same weights",
    )
    assert log.manifest.reason == "; ".join(notes)


def test_what_most_checkpoints_hold_is_recorded(trained, tmp_path):
    folder, _ = trained
    torch.save({"w": torch.ones(2, 2)}, folder / "step0.pt")
    notes = imported(folder, tmp_path / "run")

    assert open_log(tmp_path / "run").steps.tolist() == [3, 6, 9]
    assert notes[0] == "step 0 is left out: its tensors are not those of most others"


def test_layouts_globs_and_numbers_of_half_precision(tmp_path):
    weights = [torch.randn(12, 6, generator=torch.Generator().manual_seed(seed)).bfloat16() for seed in range(2)]
    for step, weight in enumerate(weights):
        save_file({"layers.0.in_proj": weight, "layers.0.other": torch.ones(3)}, tmp_path / f"step{step}.safetensors")
    tap = Tap(DIRECTIONS, ("projection", "neuron"), split=(3, -1))
    imported(tmp_path, tmp_path / "run", {"*.in_proj": tap})

    found = open_log(tmp_path / "run")["layers.0.in_proj"][:]
    expected = np.einsum("spnd,fvd->spnfv", torch.stack(weights).float().view(2, 3, 4, 6), DIRECTIONS.vectors)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_a_single_checkpoint_makes_no_log(trained, tmp_path):
    folder, _ = trained
    (folder / "step3.pt").write_bytes(b"")
    found = [Checkpoint(step, folder / f"step{step}.pt") for step in (0, 3)]
    with pytest.raises(LogError, match="expected checkpoints of 2 steps or more, got 1; step 3 is left out: refused"):
        import_checkpoints(found, tmp_path / "run", {})
    assert not (tmp_path / "run").exists()


def test_a_tap_that_chooses_nothing_is_refused(trained, tmp_path):
    folder, _ = trained
    with pytest.raises(UsageError, match="expected a parameter"):
        imported(folder, tmp_path / "run", {"conv1.weight": DIRECTIONS})
    assert not (tmp_path / "run").exists()


def test_names_that_no_module_can_have_are_refused(tmp_path):
    for step in range(2):
        torch.save({"a": torch.ones(2, 6), "a.b": torch.ones(2, 6)}, tmp_path / f"step{step}.pt")
    with pytest.raises(LogError, match=r"expected names of parameters, got `a\.b`"):
        imported(tmp_path, tmp_path / "run", {})
