from probes.learners.recipe_files import built_in, override
from probes.studies import plan
from probes.studies.pace import phase_seconds

TINY = built_in("tiny")


def test_time_is_measured_for_every_phase_and_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    seconds = phase_seconds(TINY)
    assert len(seconds) == len(plan(TINY))
    assert all(0 < one < 60 for one in seconds)
    assert list(tmp_path.iterdir()) == []


def test_time_grows_with_the_steps():
    short = override(TINY, {"runs.distilled": "0", "runs.self_distilled": "0", "runs.average": "0"})
    longer = override(short, {"training.steps": "150000"})
    assert phase_seconds(longer)[0] > 10 * phase_seconds(short)[0]
