import math

import numpy as np
import pandas as pd
import pytest

from probes.analysis.intervals import rate
from probes.analysis.plots.canvas import canvas
from probes.analysis.study import Study
from probes.analysis.theory.example import example_study
from probes.analysis.theory.findings.phases import CLAIMS, draw, phase_of, phases
from probes.analysis.theory.findings.timing import timing
from probes.log.evaluation import Evaluation
from probes.log.layout import Series
from probes.log.manifest import Manifest
from probes.log.memory import memory_log
from tests.analysis.hand import LAYOUT, SMALL, race

MU, STEPS = 0.1, 20


def run(crossings, *, small_from=12, mu=MU, logged="loss", second=None):
    """A log whose classes learn view 0 at these steps, and whose loss is small from a step on."""
    classes = len(crossings)
    values = race([[0]] * classes, steps=STEPS)
    for class_, step in enumerate(crossings):
        values[1 : step or STEPS, class_, 0, class_, 0] = SMALL
    if second is not None:
        values[second:, 0, 0, 0, 1] = 5.0
    bound = MU * math.log(classes)
    loss = np.where(np.arange(STEPS) < small_from, 1.001 * bound, bound)
    scalars = pd.DataFrame({logged: loss}).rename_axis("step")
    manifest = Manifest("a", (Series("correlations", LAYOUT, values.shape[1:]),), status="finished")
    evaluation = Evaluation({}, {} if mu is None else {"mu": mu})
    return memory_log(manifest, np.arange(STEPS), {"correlations": values}, scalars=scalars, evaluation=evaluation)


def test_phases_end_where_they_were_made_to_end():
    row = phases(run([4, 2, 7])).iloc[0]

    assert row[["race_end", "race_over", "growth_end", "last_step"]].tolist() == [2, 7, 12, 19]


def test_a_class_without_a_winner_leaves_the_race_open():
    row = phases(run([4, 2, 7, None])).iloc[0]

    assert row["race_end"] == 2
    assert pd.isna(row["race_over"])


@pytest.mark.parametrize("options", [{"mu": None}, {"logged": "other"}, {"small_from": 99}])
def test_without_a_small_loss_growth_has_no_end(options):
    row = phases(run([4, 2, 7], **options)).iloc[0]

    assert pd.isna(row["growth_end"])
    assert row["missing"] == 0
    assert math.isnan(row["high"])


@pytest.mark.parametrize(("second", "expected"), [(None, (0, 3)), (15, (1, 3)), (9, (0, 2))])
def test_features_of_the_last_phase_are_counted_among_those_that_were_missing(second, expected):
    row = phases(run([4, 2, 7], second=second)).iloc[0]

    assert (row["new_features"], row["missing"]) == expected
    assert row["low"] <= expected[0] / expected[1] <= row["high"]


def test_the_null_spreads_crossings_evenly():
    assert phases(run([4, 2, 7])).iloc[0]["null"] == pytest.approx(3 * (19 - 12) / 19)


def test_a_feature_that_may_have_crossed_before_the_end_of_growth_is_no_late_one():
    log = run([4, 2, 12], small_from=11)

    assert phases(log)["new_features"].item() == 1
    assert phases(log, every=5)["new_features"].item() == 0


def test_a_phase_without_end_lasts():
    steps = np.array([0, 5, 9])

    assert phase_of(steps, 5, math.nan).tolist() == ["race", "growth", "growth"]
    assert phase_of(steps, math.nan, math.nan).tolist() == ["race"] * 3


SINGLES = [log for log in example_study() if log.manifest.role == "single"]


def test_new_features_are_counted_over_all_that_were_missing():
    table = phases(SINGLES)
    (found,) = CLAIMS["memorisation.new_features"](Study(SINGLES))

    assert found.estimate == rate(int(table["new_features"].sum()), int(table["missing"].sum()))


@pytest.fixture
def ax():
    return canvas(5, 4)[1][0]


def test_phases_fill_the_steps_of_a_run(ax):
    row = phases(SINGLES[0])
    draw(row, ax)
    ends = [0, *row[["race_end", "growth_end", "last_step"]].iloc[0]]

    assert [bar.get_width() for bar in ax.patches] == np.diff(ends).tolist()


def test_a_phase_whose_end_is_not_known_reaches_to_the_next(ax):
    row = phases(SINGLES[0]).assign(growth_end=pd.array([pd.NA], dtype="Int64"))
    draw(row, ax)

    assert ax.patches[1].get_width() == (row["last_step"] - row["race_end"]).item()
    assert ax.patches[2].get_width() == 0


def test_every_crossing_is_a_tick(ax):
    table = timing(SINGLES[0])
    draw(phases(SINGLES[0]), ax, crossings=table)

    assert len(ax.get_lines()[0].get_xdata()) == table["crossing"].notna().sum()
