import numpy as np
import pytest

from probes.analysis import LearnedRule, Study, features, learned
from probes.log.layout import Series
from probes.log.manifest import Manifest
from probes.log.memory import memory_log
from probes.log.stored_directions import StoredDirections
from tests.analysis.hand import GROWN, LAYOUT, log_of, race, random_values

NAMES = ("feature_class", "view")


def rotation(classes, seed=0):
    """As many random orthonormal directions as there are features, all in the features' own span."""
    full = np.linalg.qr(np.random.default_rng(seed).normal(size=(2 * classes, 2 * classes)))[0]
    return full.reshape(classes, 2, 2 * classes)


def strength_along(values, directions):
    """Phi of random directions, for weights that lie in the span of the features."""
    weights = values.reshape(*values.shape[:3], -1)
    return np.maximum(np.einsum("tird,jvd->tirjv", weights, directions), 0).sum(2)


def log_with(values, null, directions=None):
    values = np.asarray(values, np.float32)
    classes = values.shape[1]
    series = (Series("correlations", LAYOUT, values.shape[1:]),)
    series += (Series("correlations.null", ("class", *NAMES), null.shape[1:]),)
    sets = directions is not None and {
        "correlations": StoredDirections(NAMES, np.eye(2 * classes).reshape(classes, 2, -1)),
        "correlations.null": StoredDirections(NAMES, directions),
    }
    arrays = {"correlations": values, "correlations.null": null}
    manifest = Manifest("a", series, status="finished")
    return memory_log(manifest, np.arange(len(values)), arrays, directions=sets or None)


def test_without_a_recorded_null_chance_is_not_known():
    assert features(log_of(race([[0], [1]])))["null"].isna().all()


def test_chance_is_the_99th_percentile_of_random_directions():
    null = np.random.default_rng(0).uniform(size=(5, 3, 3, 2))
    found = features(log_with(race([[0]] * 3), null)).groupby("step")["null"].first()

    ranked = np.sort(null.astype(np.float32).reshape(5, -1), axis=1)
    place = 0.99 * (ranked.shape[1] - 1)
    low = ranked[:, int(place)]
    assert found.to_numpy() == pytest.approx(low + (place % 1) * (ranked[:, int(place) + 1] - low))


def test_what_own_features_explain_is_no_chance():
    values, directions = race([[0, 1], [0], [1], [0]]), rotation(4)
    values[:, :, 0][values[:, :, 0] < 1] = 0
    found = features(log_with(values, strength_along(values, directions), directions))

    assert strength_along(values, directions)[-1].max() > 0.5 * GROWN
    assert found["null"].max() < 1e-5 * GROWN


def test_what_is_left_is_taken_class_by_class_and_direction_by_direction():
    values, directions = random_values(classes=3), rotation(3)
    null = strength_along(values, directions)
    rest = np.zeros((len(values), 3, 6))
    for step, own, place in np.ndindex(rest.shape):
        along = values[step, own, :, own] @ directions[own] @ directions.reshape(6, -1)[place]
        mixed = values[step, own, :, own] @ directions.reshape(6, -1)[place][[2 * own, 2 * own + 1]]
        assert along.shape == mixed.shape
        rest[step, own, place] = max(0, null[step, own].ravel()[place] - np.maximum(mixed, 0).sum())
    found = features(log_with(values, null, directions)).groupby("step")["null"].first()

    assert found.to_numpy() == pytest.approx(np.percentile(rest.reshape(len(rest), -1), 99, axis=1), rel=1e-4)


@pytest.mark.parametrize(("level", "expected"), [(0.99 * GROWN, 3), (1.01 * GROWN, 0)])
def test_a_feature_that_random_directions_match_is_not_learned(level, expected):
    null = np.full((5, 3, 3, 2), level)

    assert learned(log_with(race([[0]] * 3), null))["learned"].sum() == expected


def test_a_feature_that_comes_and_goes_is_not_stable():
    values = race([[0], [1], [0]], steps=101)
    values[95, 0, 0, 0, 0] = 0
    table = learned(Study(log_of(values), rule=LearnedRule(window=0.1)))

    won = table[table["learned"]]
    assert won["class"].tolist() == [0, 1, 2]
    assert won["stable"].tolist() == [False, True, True]


def test_what_happened_before_the_window_does_not_count():
    values = race([[0], [1], [0]], steps=101)
    values[95, 0, 0, 0, 0] = 0

    assert learned(Study(log_of(values), rule=LearnedRule(window=0.04)))["stable"].sum() == 3
