import io

import pandas as pd
import pytest

from probes.analysis.panel import Panel

NAMES = ["=1+1", "+cmd", "-cmd", "@SUM(A1)", "seed-0", "-0.5"]
SAFE = ["'=1+1", "'+cmd", "'-cmd", "'@SUM(A1)", "seed-0", "-0.5"]


def read(table):
    return pd.read_csv(io.StringIO(Panel("p", "P", "", table).csv), dtype=str, keep_default_na=False)


@pytest.mark.parametrize("kind", [object, "category", "string"])
def test_names_are_no_formulas_whatever_their_column_is(kind):
    table = pd.DataFrame({"run": pd.Series(NAMES, dtype=kind)})

    assert read(table)["run"].tolist() == SAFE
    assert table["run"].tolist() == NAMES


def test_names_of_columns_are_no_formulas():
    assert list(read(pd.DataFrame({"=loss": [1.0], 3: [2]}))) == ["'=loss", "3"]


def test_numbers_stay_numbers():
    table = pd.DataFrame({"a": [-0.5, 1e-9], "b": [-1, 2], "c": [True, False], "d": [None, -2.5]}).astype({"d": object})

    assert read(table).to_numpy().tolist() == [["-0.5", "-1", "True", ""], ["1e-09", "2", "False", "-2.5"]]


def test_control_characters_are_escaped():
    assert read(pd.DataFrame({"run": ["\x1b[2J"]}))["run"].tolist() == [r"\x1b[2J"]
