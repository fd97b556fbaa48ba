import os
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import probes.studies.theory.study
from probes.errors import LogError
from probes.log import open_logs
from probes.studies import record_study
from probes.studies.recipe_files import built_in, override

ONE_EACH = {"runs.single": 2, "runs.distilled": 1, "runs.self_distilled": 1, "runs.average": 1}
STEPS = {"training.steps": 8, "distilled.steps": 5, "continued.steps": 4, "fresh.steps": 4}
# Single at the 8 steps, students by two updates, forms A and B, average: 9, 6, 6, 5, 5, 9 looks.
SETTINGS = {key: str(value) for key, value in {**ONE_EACH, **STEPS, "measuring.monitor_every": 3}.items()}
STUDY = override(built_in("tiny"), SETTINGS)


class Impatient:
    """A watcher that cuts the study off at the n-th look, by an error or by signals to this process."""

    def __init__(self, look, signals=()):
        self.left, self.signals = look, signals

    def begin(self, phase, runs):
        pass

    def advance(self, step):
        self.left -= 1
        for number in self.signals if self.left == 0 else ():
            signal.raise_signal(number)
        if self.left == 0 and not self.signals:
            raise MemoryError

    def end(self, note):
        pass


def everything(root):
    """All that a study leaves: (run, what) -> value."""
    found = {}
    for log in open_logs(root):
        kept = {"status": log.status, "faults": log.faults, "steps": log.steps, "series": log["correlations"][:]}
        kept |= {f"scalar {name}": column.to_numpy() for name, column in log.scalars().items()}
        kept |= {**log.evaluation.arrays, "weights": (log.path / "weights.safetensors").read_bytes()}
        found |= {(log.manifest.run_id, what): value for what, value in kept.items()}
    return found


def differences(found, expected):
    return [key for key in {**found, **expected} if not same(found.get(key), expected.get(key))]


def same(one, other):
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and np.array_equal(one, other, equal_nan=True)
    return one == other


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    return everything(record_study(STUDY, tmp_path_factory.mktemp("whole")))


@pytest.mark.parametrize("look", [1, 2, 6, 9, 10, 11, 15, 18, 25, 38])
@pytest.mark.parametrize("seconds", [0.0, 100.0])
def test_a_study_that_is_cut_off_anywhere_ends_as_if_it_had_not_been(tmp_path, uninterrupted, look, seconds):
    with pytest.raises(MemoryError):
        record_study(STUDY, tmp_path, watcher=Impatient(look), checkpoint_seconds=seconds)
    record_study(STUDY, tmp_path)

    assert differences(everything(tmp_path), uninterrupted) == []
    assert list(tmp_path.glob("checkpoint-*")) == []


def test_half_a_checkpoint_of_a_killed_study_goes(tmp_path):
    with pytest.raises(MemoryError):
        record_study(STUDY, tmp_path, watcher=Impatient(6), checkpoint_seconds=0.0)
    (checkpoint,) = tmp_path.glob("checkpoint-*")
    (tmp_path / f".{checkpoint.name}.0f.tmp").write_text("half")
    record_study(STUDY, tmp_path)

    assert list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize("call", [1, 4])
def test_a_ctrl_c_while_networks_are_measured_is_heard_at_once(tmp_path, uninterrupted, monkeypatch, call):
    measure, calls = probes.studies.theory.study.evaluate_networks, []

    def interrupted(*arguments, **options):
        calls.append(arguments)
        if len(calls) == call:
            signal.raise_signal(signal.SIGINT)
        return measure(*arguments, **options)

    monkeypatch.setattr(probes.studies.theory.study, "evaluate_networks", interrupted)
    with pytest.raises(KeyboardInterrupt):
        record_study(STUDY, tmp_path)
    heard_at = len(calls)
    record_study(STUDY, tmp_path)

    assert heard_at == call
    assert differences(everything(tmp_path), uninterrupted) == []


OPTIMIZERS = {
    "batches": {"training.batch_size": "50"},
    "momentum": {"training.momentum": "0.9", "training.batch_size": "50"},
    "adam": {
        "training.optimizer": "adam",
        "training.learning_rate": "0.01",
        "noise.form": "gaussian",
        "noise.dim": "20",
    },
}


@pytest.mark.parametrize("settings", OPTIMIZERS.values(), ids=list(OPTIMIZERS))
@pytest.mark.parametrize("look", [6, 12, 15])
def test_a_study_of_any_optimizer_goes_on_as_if_it_had_not_been_cut_off(tmp_path, settings, look):
    study = override(STUDY, {**settings, "runs.self_distilled": "0", "runs.average": "0"})
    expected = everything(record_study(study, tmp_path / "whole"))
    with pytest.raises(MemoryError):
        record_study(study, tmp_path / "cut", watcher=Impatient(look), checkpoint_seconds=0.0)
    logs = open_logs(record_study(study, tmp_path / "cut"))

    assert any(log.manifest.attempts for log in logs)
    assert differences(everything(tmp_path / "cut"), expected) == []


def test_a_study_is_gone_on_with_from_its_checkpoint(tmp_path, uninterrupted):
    with pytest.raises(MemoryError):
        record_study(STUDY, tmp_path, watcher=Impatient(6), checkpoint_seconds=0.0)
    logs = open_logs(record_study(STUDY, tmp_path))

    assert {log.manifest.attempts for log in logs.by_role("single")} == {(4,)}
    assert {log.manifest.attempts for log in logs.by_role("distilled")} == {()}


@pytest.mark.parametrize(("number", "ended"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_a_signal_ends_the_step_and_writes_a_checkpoint(tmp_path, uninterrupted, number, ended):
    before = signal.getsignal(number)
    with pytest.raises(ended):
        record_study(STUDY, tmp_path, watcher=Impatient(4, [number]))
    assert {(log.status, len(log.steps)) for log in open_logs(tmp_path)} == {("interrupted", 4)}
    assert signal.getsignal(number) == before

    logs = open_logs(record_study(STUDY, tmp_path))
    assert logs.by_role("single")[0].manifest.attempts == (3,)
    assert differences(everything(tmp_path), uninterrupted) == []


def test_a_second_ctrl_c_acts_at_once(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        record_study(STUDY, tmp_path, watcher=Impatient(4, [signal.SIGINT] * 2))

    assert list(tmp_path.glob("checkpoint-*")) == []


def test_forced_a_half_finished_run_begins_anew(tmp_path, uninterrupted):
    with pytest.raises(MemoryError):
        record_study(STUDY, tmp_path, watcher=Impatient(6), checkpoint_seconds=0.0)
    logs = open_logs(record_study(STUDY, tmp_path, force=True))

    assert {log.manifest.attempts for log in logs} == {()}
    assert differences(everything(tmp_path), uninterrupted) == []


def test_a_checkpoint_whose_runs_are_gone_does_not_count(tmp_path, uninterrupted):
    with pytest.raises(MemoryError):
        record_study(STUDY, tmp_path, watcher=Impatient(6), checkpoint_seconds=0.0)
    for log in open_logs(tmp_path):
        shutil.rmtree(log.path)
    record_study(STUDY, tmp_path)

    assert differences(everything(tmp_path), uninterrupted) == []


def test_a_study_that_grows_goes_on_with_what_is_half_done(tmp_path):
    alone = override(STUDY, {"runs.distilled": "0", "runs.self_distilled": "0", "runs.average": "0"})
    larger = override(alone, {"runs.single": "3"})
    with pytest.raises(MemoryError):
        record_study(alone, tmp_path / "cut", watcher=Impatient(6), checkpoint_seconds=0.0)
    logs = open_logs(record_study(larger, tmp_path / "cut"))
    whole = open_logs(record_study(larger, tmp_path / "whole"))

    assert [log.manifest.attempts for log in logs] == [(4,), (4,), ()]
    for log, other in zip(logs, whole, strict=True):  # up to rounding, which depends on how many train side by side
        assert log.manifest.run_id == other.manifest.run_id
        np.testing.assert_allclose(log["correlations"][:], other["correlations"][:], rtol=1e-4, atol=1e-6)
    assert list((tmp_path / "cut").glob("checkpoint-*")) == []


def test_a_damaged_checkpoint_is_named(tmp_path):
    with pytest.raises(MemoryError):
        record_study(STUDY, tmp_path, watcher=Impatient(6), checkpoint_seconds=0.0)
    (path,) = tmp_path.glob("checkpoint-*")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(LogError) as error:
        record_study(STUDY, tmp_path)

    message = f"expected a checkpoint at {path}, got SafetensorError: delete it, or record with --force"
    assert str(error.value) == message


def recording(root, *options):
    settings = [f"--set={key}={value}" for key, value in SETTINGS.items()]
    command = [sys.executable, "-m", "probes", "record", "tiny", *settings, "--out", root, *options]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def killed_again_and_again(root, kills, seed):
    """Start the command until it ends, killing it after random times the first so many times."""
    moments = random.Random(seed)
    for _ in range(kills):
        process = recording(root, "--checkpoint=0.02")
        while process.poll() is None and not list(root.glob("*/run.json")):
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 1.0))
        process.kill()
        process.communicate()
    last = recording(root)
    assert last.communicate()[0] == f"{root}\n"


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_a_killed_study_ends_as_if_it_had_not_been(tmp_path, uninterrupted, kills):
    killed_again_and_again(tmp_path, kills, seed=kills)

    assert differences(everything(tmp_path), uninterrupted) == []


def test_the_command_says_that_it_can_be_gone_on_with(tmp_path):
    process = recording(tmp_path, "--set=training.steps=100000")
    while not list(tmp_path.glob("*/*.wal")):
        time.sleep(0.01)
    process.terminate()
    _, told = process.communicate()

    assert process.returncode == 128 + signal.SIGTERM
    assert f"probes: interrupted; the same command goes on with {tmp_path} from there\n" in told
    assert {log.status for log in open_logs(tmp_path)} == {"interrupted"}
