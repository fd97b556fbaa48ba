import math

import numpy as np
import pandas as pd
import pytest

from probes.analysis.plots.canvas import canvas
from probes.analysis.theory.findings.memorisation import draw, draw_error, memorisation
from probes.log.evaluation import Evaluation
from probes.log.layout import Series
from probes.log.manifest import Manifest
from probes.log.memory import memory_log
from tests.analysis.hand import GROWN, LAYOUT, OFF, SMALL, START, log_of, race

NOISE = {0: 0.1, 4: 0.2, 8: 0.9}


def run(scalars=("noise_multi_view", "noise_single_view")):
    """A log of two classes: class 0 is learned at step 1, class 1 at step 4; the loss is small from step 6 on."""
    values = race([[0], [1]], steps=11)
    values[1:4, 1, 0, 1, 1] = SMALL
    table = pd.DataFrame({"loss": [1.0] * 6 + [0.0] * 5, "train_error": np.linspace(1, 0, 11)}).rename_axis("step")
    for place, name in enumerate(scalars):
        table[name] = pd.Series(NOISE) * (place + 1)
    manifest = Manifest("a", (Series("correlations", LAYOUT, values.shape[1:]),), status="finished")
    arrays, evaluation = {"correlations": values}, Evaluation({}, {"mu": 0.1})
    return memory_log(manifest, np.arange(11), arrays, scalars=table, evaluation=evaluation)


def test_rows_are_the_steps_at_which_noise_was_measured():
    table = memorisation(run())

    assert table["step"].tolist() == [0, 4, 8]
    assert table["noise_multi_view"].tolist() == [0.1, 0.2, 0.9]
    assert table["noise_single_view"].tolist() == [0.2, 0.4, 1.8]
    assert table["train_error"].tolist() == pytest.approx([1.0, 0.6, 0.2])


def test_phases_stand_beside_them():
    assert memorisation(run())["phase"].tolist() == ["race", "growth", "memorisation"]


def test_features_are_summed_and_counted():
    table = memorisation(run())

    assert table["coverage"].tolist() == [0, 0.5, 0.5]
    # Two classes, with a losing view each; the null has one neuron with OFF for each of four.
    assert table["strength"].tolist() == pytest.approx([2 * (START + SMALL), *[2 * (GROWN + SMALL)] * 2], rel=1e-5)
    assert table["off_strength"].tolist() == pytest.approx([4 * OFF] * 3, rel=1e-5)


def test_one_kind_of_noise_is_enough():
    table = memorisation(run(scalars=["noise_multi_view"]))

    assert len(table) == 3
    assert all(math.isnan(value) for value in table["noise_single_view"])


def test_runs_that_did_not_measure_noise_give_no_row():
    assert memorisation(log_of(race([[0], [1]]))).empty


def test_features_and_noise_are_drawn_as_shares_of_their_last_value():
    lines = draw(memorisation(run()), canvas(5, 4)[1][0]).get_lines()
    shares = [line.get_ydata().tolist() for line in lines if line.get_linewidth() > 1]

    assert [share[-1] for share in shares[:3]] == [1, 1, 1]
    assert shares[1] == pytest.approx([1 / 9, 2 / 9, 1])
    assert shares[3] == pytest.approx([4 * OFF / (2 * (GROWN + SMALL))] * 3, rel=1e-5)


def test_the_error_is_drawn_in_the_colours_of_the_phases():
    path, *dots = draw_error(memorisation(run()), canvas(5, 4)[1][0]).get_lines()

    assert path.get_ydata().tolist() == pytest.approx([1.0, 0.6, 0.2])
    assert [line.get_ydata().tolist() for line in dots] == [[1.0], [pytest.approx(0.6)], [pytest.approx(0.2)]]
