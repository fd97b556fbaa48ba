"""Overlap of a tap's directions, and whether two runs have the same."""

from dataclasses import replace

import numpy as np
import pytest

from probes.analysis.taps.tap import tap_of, taps_of
from probes.log.stored_directions import StoredDirections
from tests.analysis.general import basis, tap_log


def only(log):
    [tap] = taps_of(log).values()
    return tap


def test_overlap_is_the_largest_cosine_between_two_features():
    vectors = np.random.default_rng(1).normal(size=(4, 2, 6))
    stored = StoredDirections(("feature", "phase"), vectors, component="phase")
    tap = only(tap_log(np.zeros((1, 3, 4, 2)), axes=("feature", "phase"), directions=stored))
    cosines = [
        abs(first @ second) / np.linalg.norm(first) / np.linalg.norm(second)
        for one in range(4)
        for other in range(4)
        if one != other
        for first in vectors[one]
        for second in vectors[other]
    ]

    assert tap.overlap == pytest.approx(max(cosines))


def test_a_direction_of_zero_overlaps_with_nothing():
    stored = StoredDirections(("feature",), np.array([[1.0, 0], [0, 0], [0, 1]]))

    assert only(tap_log(np.zeros((1, 2, 3)), directions=stored)).overlap == 0


def test_features_are_the_same_whatever_the_number_of_units():
    first, second = (only(tap_log(np.zeros((1, units, 3)))) for units in (2, 5))

    assert first.same_features(second)


@pytest.mark.parametrize(
    "other",
    [
        {"directions": basis(("feature",), (3,), length=2)},
        {"directions": basis(("feature",), (3,), labels={"feature": ("a", "b", "c")})},
        {"directions": False},
        {"axes": ("token",)},
    ],
)
def test_other_directions_labels_or_axes_are_other_features(other):
    given = only(tap_log(np.zeros((1, 2, 3)), directions=basis(("feature",), (3,))))
    found = tap_log(np.zeros((1, 2, 3)), **other)
    other = tap_of(found, replace(found.series["w"]))

    assert other is None or not given.same_features(other)
