from probes.analysis.theory.findings.confusion import confusion
from tests.analysis.hand import SMALL, log_of, race


def test_predictions_are_counted_against_outcomes():
    table = confusion(log_of(race([[0], [1], [0, 1], [], [0]], ahead=[0, 0, 1, 1, 0])))
    rows = table.query("prediction == 'ungapped' and count > 0")

    found = {(row["predicted"], row["learned"]): row["count"] for _, row in rows.iterrows()}
    assert found == {
        ("view 0", "view 0"): 2,
        ("view 0", "view 1"): 1,
        ("view 1", "both"): 1,
        ("view 1", "none"): 1,
    }


def test_outside_m_nothing_is_predicted():
    values = race([[0], [1], [0]], neurons=6)
    values[0, 0, 0, 0] = [1.01 * SMALL, SMALL]
    rows = confusion(log_of(values)).query("prediction == 'in M' and count > 0")

    found = {(row["predicted"], row["learned"]): row["count"] for _, row in rows.iterrows()}
    assert found == {("none", "view 0"): 1, ("view 0", "view 0"): 1, ("view 1", "view 1"): 1}


def test_shares_of_a_prediction_add_up_and_the_null_is_that_of_all_classes():
    table = confusion(log_of(race([[0], [1], [0], [0]], ahead=[0, 1, 1, 0])))

    assert table.groupby(["prediction", "predicted"])["share"].sum().tolist() == [1.0] * 4
    assert set(table.loc[table["learned"] == "view 0", "null"]) == {0.75}
    assert ((table["low"] <= table["share"]) & (table["share"] <= table["high"])).all()
