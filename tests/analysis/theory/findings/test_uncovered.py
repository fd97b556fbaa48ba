from probes.analysis.theory.findings.uncovered import uncovered
from tests.analysis.hand import log_of, race

LOGS = [log_of(race(views), run, role="single") for run, views in {"a": [[0], [0], [1]], "d": [[0], [0], [0]]}.items()]


def test_uncovered_features_are_those_that_no_member_has():
    table = uncovered(LOGS)

    assert list(zip(table["class"], table["view"], strict=True)) == [(0, 1), (1, 1)]
    assert table["null"].tolist() == [0.25, 0.25]
    assert table["run"].isin(["a", "d"]).all()


def test_the_run_that_came_closest_is_named():
    values = race([[0], [0], [0]])
    values[-1, 1, 0, 1, 1] = 0.5
    row = uncovered([*LOGS, log_of(values, "e", role="single")]).query("`class` == 1").iloc[0]

    assert (row["run"], row["strength"]) == ("e", 0.5)


def test_where_all_is_covered_nothing_is_uncovered():
    assert uncovered(log_of(race([[0, 1], [0, 1]]))).empty
