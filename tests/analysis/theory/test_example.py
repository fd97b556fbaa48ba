import numpy as np
import pytest

from probes.analysis.theory.example import Sizes, example_study
from probes.analysis.theory.findings.error_rates import error_rates
from tests.analysis.hand import slow_strength


def test_the_same_seed_gives_the_same_study():
    for one, other in zip(example_study(seed=1), example_study(seed=1), strict=True):
        assert np.array_equal(one["correlations"][:], other["correlations"][:])


def test_logits_follow_from_the_strengths():
    log = next(log for log in example_study() if log.manifest.role == "single")
    values, steps = log["correlations"][:], len(log.steps)
    strengths = [max(slow_strength(values, steps - 1, class_, view) for view in range(2)) for class_ in range(6)]
    arrays = log.evaluation.arrays
    own = arrays["multi_view/logits"][np.arange(400), arrays["multi_view/labels"]]

    assert own.min() >= min(strengths)


def test_a_continued_run_starts_where_the_other_one_ended():
    logs = {log.manifest.run_id: log for log in example_study()}
    log = logs["self_distilled-continued-00"]

    assert np.array_equal(log["correlations"][0], logs[log.manifest.continues]["correlations"][-1])


def test_every_run_fits_its_training_set():
    table = error_rates(example_study()).set_index("measure")

    assert (table.loc["train_error", "error"] == 0).all()


@pytest.mark.parametrize("classes", [2, 5])
def test_sizes_are_as_asked(classes):
    sizes = Sizes(classes=classes, neurons=3, steps=10, samples=20, singles=2, students=2)
    logs = example_study(sizes)

    assert len(logs) == 2 + 1 + 3 * 2
    assert logs[-1]["correlations"].shape == (11, classes, 3, classes, 2)
