import numpy as np
import pytest

from probes.analysis.intervals import rate, weighted_sum
from probes.analysis.theory.ensembles import JointTests, ensemble_error
from probes.errors import LogError
from probes.log.evaluation import Evaluation
from tests.analysis.hand import evaluation_of, log_of, race

RACE = race([[0], [1], [0]])


def random_tests(seed, *, samples=60, classes=4):
    draw = np.random.default_rng(seed)
    labels = np.arange(samples) % classes
    parts = {
        part: draw.normal(size=(samples, classes)) + np.eye(classes)[labels] for part in ("single_view", "multi_view")
    }
    arrays = {f"{part}/logits": values.astype(np.float32) for part, values in parts.items()}
    return Evaluation(arrays | {f"{part}/labels": labels for part in parts}, {"mu": 0.25})


def slow_rate(logs, part):
    labels = logs[0].evaluation.arrays[f"{part}/labels"]
    mistakes = 0
    for sample, label in enumerate(labels):
        mean = sum(log.evaluation.arrays[f"{part}/logits"][sample].astype(float) for log in logs) / len(logs)
        mistakes += any(mean[other] >= mean[label] for other in range(len(mean)) if other != label)
    return rate(mistakes, len(labels))


@pytest.mark.parametrize("chosen", [[0], [1, 3], [0, 2, 4], [0, 1, 2, 3, 4]])
def test_an_ensembles_error_is_that_of_the_mean_of_logits(chosen):
    logs = [log_of(RACE, str(seed), evaluation=random_tests(seed)) for seed in range(5)]
    members = [logs[place] for place in chosen]
    expected = weighted_sum([slow_rate(members, "single_view"), slow_rate(members, "multi_view")], [1, 3])

    assert ensemble_error(members) == pytest.approx(expected)
    assert JointTests.of(logs).errors([chosen]) == pytest.approx([expected.value])


def test_mistakes_that_others_outvote_vanish():
    logs = [
        log_of(RACE, run, evaluation=evaluation_of(single=wrong))
        for run, wrong in {"a": [0, 1], "b": [2], "c": []}.items()
    ]

    assert [ensemble_error(log).value for log in logs] == pytest.approx([0.2, 0.1, 0.0])
    assert ensemble_error(logs).value == 0


def test_without_test_sets_there_is_no_error():
    assert ensemble_error([log_of(RACE, "a"), log_of(RACE, "b", evaluation=evaluation_of())]) is None
    assert ensemble_error([]) is None


def test_runs_with_other_test_samples_are_refused():
    logs = [log_of(RACE, "a", evaluation=evaluation_of()), log_of(RACE, "b", evaluation=evaluation_of(samples=20))]
    message = (
        "run `b`: expected the same `single_view/labels` as run `a`, got others; "
        "evaluate all runs of the study on one test set"
    )
    with pytest.raises(LogError, match=f"^{message}$"):
        ensemble_error(logs)
