import numpy as np

from probes.analysis import learned
from probes.analysis.members import learned_sets
from tests.analysis.hand import log_of, race


def test_learned_sets_are_in_the_order_of_the_runs():
    logs = [log_of(race(views), run) for run, views in {"b": [[0], [1]], "a": [[0, 1], [1]]}.items()]

    expected = [[[True, False], [False, True]], [[True, True], [False, True]]]
    assert np.array_equal(learned_sets(logs, learned(logs)), expected)


def test_other_runs_in_the_table_do_no_harm():
    logs = [log_of(race([[0], [1]]), "a"), log_of(race([[0], [1], [1]]), "larger")]

    assert learned_sets(logs[:1], learned(logs)).shape == (1, 2, 2)
