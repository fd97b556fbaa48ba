"""Scalars, what recording cost, and the summary."""

import re

import numpy as np
import pandas as pd
import pytest

from probes.analysis import Study, cost, open_study, scalars, summary
from probes.errors import LogError
from probes.log.layout import Series
from probes.log.manifest import Manifest
from probes.log.writing.writer import RunWriter
from tests.analysis.findings.test_outputs import run_of
from tests.analysis.general import grown, tap_log


def logged(run="a", steps=5, **columns):
    return tap_log(np.ones((2, 2, 3)), run, scalars=pd.DataFrame(columns, index=range(steps)))


def test_scalars_are_the_numbers_that_were_logged():
    table = scalars([logged(loss=[5.0, 4, 3, 2, 1]), logged("b", loss=[1.0] * 5, rate=[np.nan, 2, np.nan, 3, np.nan])])

    assert table.query("run == 'a'")["value"].tolist() == [5, 4, 3, 2, 1]
    assert table.query("run == 'b' and name == 'rate'")[["step", "value"]].to_numpy().tolist() == [[1, 2], [3, 3]]


def test_of_many_steps_about_200_are_taken_with_both_ends():
    table = scalars(logged(steps=5000, loss=np.arange(5000.0)))

    assert len(table) == 200
    assert (table["step"].iloc[0], table["step"].iloc[-1]) == (0, 4999)


@pytest.mark.parametrize("columns", [{}, {"loss": [np.nan] * 5}])
def test_without_numbers_it_is_said_how_to_log_them(columns):
    message = "expected numbers logged with the runs, got none; log them by `recorder.log(loss=loss)`"
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        scalars(logged(**columns))


def test_the_cost_is_that_of_the_files(tmp_path):
    folder = tmp_path / "runs" / "a"
    folder.mkdir(parents=True)
    with RunWriter(
        folder, Manifest("a", (Series("w", ("neuron",), (3,)),), wall_seconds=8.0, recording_seconds=2.0)
    ) as writer:
        for step in range(4):
            writer.append(step, {"w": np.zeros(3, "f4")})
    row = cost(open_study(folder.parent)).iloc[0]

    assert (row["rows"], row["series"]) == (4, 1)
    assert row["bytes"] == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_the_share_of_the_time_is_empty_where_it_is_not_known():
    known, unknown = cost([
        tap_log(np.ones((2, 2, 3)), "a", wall_seconds=8.0, recording_seconds=2.0),
        grown([0], run="b"),
    ])["recording_share"]

    assert known == 0.25
    assert np.isnan(unknown)


def test_the_summary_has_means_over_runs_of_a_kind():
    logs = [grown([0, 1, 2], run="a"), grown([0], run="b"), grown(range(6), run="s", role="r", parents=("a",))]
    table = summary(logs)

    assert table[["kind", "role", "runs", "last_step"]].to_numpy().tolist() == [
        ["member", "", 2, 4],
        ["student", "r", 1, 4],
    ]
    assert table["features_learned"].tolist() == pytest.approx([4 / 12, 1])


def test_several_taps_have_rows_and_sets_columns_of_their_own():
    logs = [run_of(0, "a"), run_of(0, "b", name="train"), grown([0], run="c", name="v")]
    table = summary(logs)

    assert {"features_learned", "error test", "error train"} <= set(table)
    assert table["tap"].tolist() == ["w", "v"]


def test_what_was_not_recorded_has_no_column():
    log = tap_log(np.ones((2, 2, 3)), units=("neuron",), axes=("dim",), directions=False, quantity="norm")

    assert list(summary(log)) == ["kind", "role", "variant", "runs", "last_step"]


def test_a_study_without_usable_runs_has_an_empty_summary():
    assert Study(grown([0], status="failed")).summary().empty
