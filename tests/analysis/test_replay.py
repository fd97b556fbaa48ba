import base64
import zlib

import numpy as np
import pytest

from probes.analysis.findings.features import features
from probes.analysis.replay import Replay, Scale, race_steps, replay
from probes.analysis.taps.tap import taps_of
from probes.analysis.theory.example import example_study
from tests.analysis.hand import log_of, race, random_values

LOG = example_study()[-1]
TABLE = features(LOG, every=1)
COLUMNS = ["class", "view"]


def film_of(log):
    return replay(log, taps_of(log)["correlations"], table=features(log, every=1))


def unpacked(film):
    """What the page's script does, cell by cell and frame by frame."""
    changes = np.frombuffer(zlib.decompress(base64.b64decode(film.packed)), np.uint8).reshape(-1, len(film.steps))
    codes = []
    for cell in changes:
        code = 0
        codes.append([code := (code + int(change)) % 256 for change in cell])
    return np.array(codes, np.uint8).astype(np.int8).T


def test_a_film_can_be_unpacked_to_the_codes_of_its_correlations():
    values = random_values()
    film = film_of(log_of(values))

    assert film.correlations.tolist() == values[film.steps].tolist()
    assert (unpacked(film).ravel() == film.scale.codes(film.correlations).ravel()).all()


@pytest.mark.parametrize(
    ("value", "code"), [(0, 0), (5, 127), (-5, -127), (50, 127), (0.5, 127 * np.log(2) / np.log(11))]
)
def test_a_code_is_the_logarithm_of_the_value_in_units_of_the_scale(value, code):
    assert Scale(0.5, 5).codes(np.array([value]))[0] == round(code)


def test_a_code_says_its_value_to_a_few_percent():
    scale, values = Scale(0.001, 10), np.geomspace(0.001, 10, 50)
    back = scale.linear * np.expm1(scale.codes(values) / 127 * np.log1p(scale.largest / scale.linear))

    assert back == pytest.approx(values, rel=0.08)


def test_a_run_of_zeros_has_a_scale():
    assert Scale.of(np.zeros((2, 3))) == Scale(1e-6, 1.0)


def test_most_frames_lie_where_strengths_change():
    steps = race_steps(TABLE, COLUMNS)
    grown = TABLE.groupby("step")["strength"].sum()
    middle = grown.index[(grown > 0.05 * grown.iloc[-1]) & (grown < 0.95 * grown.iloc[-1])]

    inside = ((steps >= middle[0]) & (steps <= middle[-1])).mean()
    assert inside > (middle[-1] - middle[0]) / steps[-1]


@pytest.mark.parametrize("count", [2, 7, 60])
def test_frames_rise_from_the_first_step_to_the_last(count):
    steps = race_steps(TABLE, COLUMNS, count)

    assert (steps[0], steps[-1]) == (0, 400)
    assert (np.diff(steps) > 0).all()
    assert len(steps) <= count


@pytest.mark.parametrize("steps", [1, 2])
def test_a_run_of_a_step_or_two_has_them_all(steps):
    log = log_of(race([[0], [1]], steps=steps))

    assert race_steps(features(log), COLUMNS).tolist() == list(range(steps))


def test_a_run_in_which_nothing_moves_goes_by_time():
    log = log_of(np.repeat(random_values(steps=1), 101, axis=0))

    assert race_steps(features(log), COLUMNS, 5).tolist() == [0, 25, 50, 75, 100]


def test_of_a_wide_network_the_first_classes_are_shown():
    log = log_of(random_values(steps=2, classes=30, neurons=20))
    film = film_of(log)

    assert film.correlations.shape == (2, 12, 20, 12, 2)
    assert film.classes == 30


def test_losses_are_those_of_the_frames():
    film = film_of(LOG)

    assert film.loss == [pytest.approx(LOG.scalars()["loss"][step], rel=1e-3) for step in film.steps]


def test_a_run_without_losses_has_none():
    assert film_of(log_of(race([[0], [1]]))).loss == [None] * 5


def test_a_film_is_smaller_than_its_codes():
    film = film_of(LOG)

    assert isinstance(film, Replay)
    assert len(film.packed) < film.correlations.size
