import numpy as np
import pytest

from probes.analysis import Study, learned, winners
from probes.analysis.findings.learned import learned_sets, null_rate_at_start
from tests.analysis.general import basis, grown, tap_log
from tests.analysis.hand import log_of, race


def alternatives(learned, *, ahead=None, run="a", steps=4, **options):
    """A run of three sets (layer) of three alternatives (token), of which some grow and one is ahead at step 0."""
    stored = basis(("layer", "token"), (3, 3), labels={"token": ("x", "y", "z")})
    values = np.full((steps, 2, 3, 3), 0.01)
    for layer, token in enumerate(ahead or [0, 0, 0]):
        values[0, 0, layer, token] = 0.05
        values[0, 0, layer, (token + 1) % 3] = 0.02
    for layer, tokens in enumerate(learned):
        for token in tokens:
            values[1:, 1, layer, token] = -3.0
    return tap_log(values, run, axes=("layer", "token"), directions=stored, **options)


def test_of_alternatives_it_is_said_which_were_learned():
    table = winners(alternatives([[0], [1, 2], []], ahead=[0, 1, 2]))

    assert table["layer"].tolist() == [0, 1, 2]
    assert table["learned"].tolist() == ["x", "y + z", "none"]
    assert table["count"].tolist() == [1, 2, 0]
    assert table["predicted"].tolist() == ["x", "y", "z"]
    assert table["agrees"].tolist() == [True, False, False]
    assert table["ratio"].tolist() == pytest.approx([0.4] * 3)


def test_one_learned_that_was_not_ahead_does_not_agree():
    assert winners(alternatives([[0], [0], [0]], ahead=[0, 1, 2]))["agrees"].tolist() == [True, False, False]


def test_of_features_without_alternatives_each_is_a_row():
    log = grown([1, 4], ahead=[1])
    table = winners(log)
    start = np.abs(np.asarray(log["w"])[0]).max(axis=0)

    assert table["learned"].tolist() == [feature in {1, 4} for feature in range(6)]
    assert table["initial_peak"].tolist() == pytest.approx(start.tolist())
    assert table["initial_rank"].tolist() == pytest.approx([sum(start < mine) / 6 for mine in start])


def test_without_step_0_nothing_was_predicted():
    for log, column in ((alternatives([[0], [], []], steps=3), "predicted"), (grown([1], steps=3), "initial_peak")):
        later = tap_log(np.asarray(log["w"]), steps=[5, 6, 7], axes=log["w"].dims[2:], directions=log.directions("w"))
        table = winners(later)

        assert table[column].isna().all()
        assert not table.get("agrees", table["learned"]).any()


def test_a_run_that_continues_another_has_no_initialisation():
    assert winners([grown([0], run="a"), grown([0], run="b", continues="a")])["run"].unique().tolist() == ["a"]


def test_own_class_views_are_alternatives():
    table = winners(log_of(race([[0], [1], [0, 1], []])))

    assert table["learned"].tolist() == ["0", "1", "0 + 1", "none"]
    assert table["class"].tolist() == [0, 1, 2, 3]


def test_learned_sets_are_in_the_order_of_the_runs():
    logs = [grown([0, 2], run="b", features=3), grown([1], run="a", features=3)]
    study = Study(logs)

    assert learned_sets(study, study.tap(), logs[::-1]).tolist() == [[False, True, False], [True, False, True]]
    assert learned_sets(study, study.tap(), []).shape == (0, 3)


def test_how_often_step_0_passes_is_counted():
    values = np.ones((3, 2, 10))
    log = tap_log(values, null=(("random", "statistic"), np.full((3, 8, 4), 0.5)))
    study = Study(log)

    assert null_rate_at_start(study, study.tap())[::3] == (1.0, 10)
    assert null_rate_at_start(Study(grown([0])), study.tap())[::3] == (0.0, 6)


def test_without_step_0_there_is_no_such_rate():
    study = Study(tap_log(np.ones((2, 2, 10)), steps=[1, 2]))

    assert null_rate_at_start(study, study.tap()) is None


@pytest.mark.parametrize("steps", [1, 2])
def test_a_run_of_a_step_or_two_has_winners(steps):
    assert winners(grown([1], steps=steps))["learned"].sum() == (steps > 1)
    assert len(learned(grown([1], steps=steps))) == 6
