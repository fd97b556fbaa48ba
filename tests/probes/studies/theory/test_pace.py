from probes.studies.kinds import experiment
from probes.studies.recipe_files import built_in, override

TINY = built_in("tiny")


def test_time_is_measured_for_every_phase_and_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    seconds = experiment(TINY).seconds()
    assert len(seconds) == len(experiment(TINY).phases)
    assert all(0 < one < 60 for one in seconds)
    assert list(tmp_path.iterdir()) == []


def test_time_grows_with_the_steps():
    short = override(TINY, {"runs.distilled": "0", "runs.self_distilled": "0", "runs.average": "0"})
    longer = override(short, {"training.steps": "150000"})
    assert experiment(longer).seconds()[0] > 10 * experiment(short).seconds()[0]
