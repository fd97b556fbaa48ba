from itertools import combinations

import numpy as np
import pytest

from probes.analysis.plots.canvas import canvas
from probes.analysis.shares import WinShares
from probes.analysis.study import Study
from probes.analysis.theory.example import example_study
from probes.analysis.theory.findings.coverage import coverage, draw, draw_errors, panel
from probes.errors import LogError
from tests.analysis.hand import evaluation_of, log_of, race

LEARNED = {"a": [[0], [0], [1]], "b": [[0], [1], [1]], "c": [[1], [1], [0, 1]], "d": [[0], [0], [0]]}


def study(**facts):
    return [log_of(race(views), run, role="single", **facts) for run, views in LEARNED.items()]


def slow_coverage(size):
    shares = []
    for chosen in combinations(LEARNED, size):
        known = {(class_, view) for run in chosen for class_, views in enumerate(LEARNED[run]) for view in views}
        shares.append(len(known) / 6)
    return shares


def test_coverage_is_the_mean_over_all_subsets():
    table = coverage(study()).set_index("members")
    for size in range(1, 5):
        assert table.loc[size, "coverage"] == pytest.approx(np.mean(slow_coverage(size)))
        assert table.loc[size, "subsets"] == len(slow_coverage(size))


def test_the_range_is_the_central_share_of_the_subsets():
    row = coverage(study()).iloc[1]
    expected = np.quantile(slow_coverage(2), [0.025, 0.975])

    assert row[["coverage_low", "coverage_high"]].tolist() == pytest.approx(expected.tolist())


def test_the_line_beside_it_is_a_fair_coin():
    assert coverage(study())["expected"].tolist() == [1 / 2, 3 / 4, 7 / 8, 15 / 16]


def test_the_error_is_that_of_the_ensembles():
    mistakes = {"a": [0, 1, 2], "b": [0, 1], "c": [0], "d": []}
    logs = [log_of(race(LEARNED[run]), run, evaluation=evaluation_of(single=wrong)) for run, wrong in mistakes.items()]
    table = coverage(logs)

    assert table["error_mu"].iloc[0] == pytest.approx((0.3 + 0.2 + 0.1 + 0) / 4)
    assert table["error_mu"].iloc[-1] == pytest.approx(0.2)  # sample 0: three against one; sample 1: a tie


def test_without_test_sets_there_is_coverage_but_no_error():
    assert coverage(study())["error_mu"].isna().all()


def test_singles_are_the_members_and_without_singles_all_runs():
    without_role = [log_of(race(LEARNED[run]), run) for run in LEARNED]

    assert len(coverage([*study(), log_of(race([[0], [0], [0]]), "e", role="distilled")])) == 4
    assert len(coverage(without_role)) == 4


def test_where_there_are_too_many_subsets_different_ones_are_drawn():
    table = coverage(study(), subsets=4)

    assert table["subsets"].tolist() == [4, 4, 4, 1]
    assert coverage(study(), subsets=4).equals(table)


def test_beyond_twenty_runs_not_every_size_is_measured():
    logs = [log_of(race([[0], [1]]), f"run-{index}") for index in range(40)]
    sizes = coverage(logs, subsets=2)["members"].tolist()

    assert len(sizes) <= 20
    assert (sizes[0], sizes[-1]) == (1, 40)


def test_runs_of_other_sizes_are_refused():
    with pytest.raises(LogError, match=r"`small`.*`large`"):
        coverage([log_of(race([[0], [1]]), "small"), log_of(race([[0], [1], [1]]), "large")])


def test_the_rule_is_stated():
    assert "mean over all ensembles of K of the 4 runs" in coverage(study()).attrs["rule"]


def test_coverage_by_own_chances_and_by_the_lottery_stand_beside_it():
    table = coverage(study())
    counts = np.array([
        [sum(view in LEARNED[run][class_] for run in LEARNED) for view in (0, 1)] for class_ in range(3)
    ])

    assert table["predicted_coverage"].tolist() == pytest.approx([
        WinShares(counts, 4).coverage(size) for size in range(1, 5)
    ])
    assert (table["predicted_low"] < table["predicted_coverage"]).all()
    assert table["lottery"].isna().all()  # these runs have no moments


def slow_error(covered, misled):
    """Each feature that is not covered is wrong unless none of the others' covered features is in the sample."""
    wrong = 0.0
    for feature in [(class_, view) for class_ in range(3) for view in (0, 1)]:
        others = sum(class_ != feature[0] for class_, _ in covered)
        wrong += 0 if feature in covered else 1 - (1 - misled) ** others
    return wrong / 6


@pytest.mark.parametrize(("sparsity", "misled"), [(1.5, 0.5), (9, 1.0)])
def test_the_error_is_predicted_from_what_is_not_covered(sparsity, misled):
    table = coverage(study(recipe={"data": {"sparsity": sparsity}}))
    sets = [{(class_, view) for class_, views in enumerate(LEARNED[run]) for view in views} for run in LEARNED]

    assert table["error_predicted_mu"].iloc[0] == pytest.approx(np.mean([slow_error(known, misled) for known in sets]))
    assert table["error_predicted_mu"].iloc[-1] == pytest.approx(slow_error(set.union(*sets), misled))


def test_one_view_a_class_saturates_at_half():
    logs = [log_of(race([[0]] * 12), name, recipe={"data": {"sparsity": 3}}) for name in "ab"]

    assert coverage(logs)["error_predicted_mu"].tolist() == pytest.approx([(1 - 0.75**11) / 2] * 2)


def test_the_line_of_a_fair_coin_is_drawn():
    ax = draw(coverage(example_study()), canvas(4, 3)[1][0])

    assert ax.get_lines()[0].get_ydata() == pytest.approx(1 - 0.5 ** np.arange(1, 6))


def test_the_predicted_error_is_drawn_as_dashes():
    table = coverage(example_study())
    ax = draw_errors(table, canvas(4, 3)[1][0])

    assert ax.get_lines()[-1].get_ydata().tolist() == table["error_predicted_mu"].tolist()


@pytest.mark.parametrize(("facts", "axes"), [({}, 1), ({"evaluation": evaluation_of()}, 2)])
def test_the_panel_shows_errors_where_runs_were_tested(facts, axes):
    assert len(panel(Study(study(**facts))).figure.axes) == axes
