import pandas as pd
import pytest
from tests.probes.studies.gaussians import SMALL

from probes.analysis.sweeps.report import sweep_report
from probes.analysis.theory.inputs.inputs import inputs
from probes.analysis.theory.inputs.map import inputs_map, is_inputs_sweep, over_seeds, settings_of
from probes.studies.sweep import Sweep, points_of
from probes.studies.sweep_record import record_sweep
from tests.probes.studies.sweeps import SWEEP

CHOICES = [
    {"data.teacher": "linear"},
    {"data.teacher": "linear", "data.label_noise": 0.4},
    {"data.teacher": "residual", "network.kind": "residual"},
]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Three settings by three seeds, recorded once; tests only read it."""
    folder = tmp_path_factory.mktemp("swept") / "inputs"
    record_sweep(Sweep("inputs", points_of(SMALL, CHOICES, [0, 1, 2])), folder)
    return folder


@pytest.fixture(scope="module")
def frame(root):
    return inputs_map(root)


def test_every_point_has_the_rows_of_its_study(root, frame):
    for point, rows in frame.groupby("point"):
        expected = inputs(root / point)
        assert rows[list(expected)].reset_index(drop=True).equals(expected)


def test_what_a_case_does_not_name_is_the_bases(frame):
    linear = frame[frame["data.teacher"] == "linear"]
    assert set(linear["network.kind"]) == {"fully_connected"}
    assert set(linear["data.label_noise"]) == {0.1, 0.4}


def test_settings_are_named_by_what_varies(frame):
    assert over_seeds(frame)["setting"].drop_duplicates().tolist() == [
        "linear, label noise 0.1",
        "linear, label noise 0.4",
        "residual, label noise 0.1",
    ]


def test_a_learner_that_does_not_follow_from_its_teacher_is_named(frame):
    one = frame[frame["data.teacher"] == "residual"].assign(**{"data.label_noise": 0.0})
    other = one.assign(**{"network.kind": "linear", "data.label_noise": 0.2})
    third = other.assign(**{"data.teacher": "linear", "data.label_noise": 0.0})
    assert over_seeds(pd.concat([one, other, third]))["setting"].drop_duplicates().tolist() == [
        "residual → residual",
        "residual → linear, label noise 0.2",
        "linear → linear",
    ]


def test_a_number_that_is_0_is_named_where_0_is_one_of_its_values(frame):
    both = pd.concat([frame.assign(**{"training.weight_decay": decay}) for decay in (0.0, 3.0)])
    alone = both[(both["data.teacher"] == "residual") | (both["data.label_noise"] == 0.4)]
    assert {name.split(", ")[-1] for name in over_seeds(alone)["setting"]} == {"weight decay 0", "weight decay 3"}


def test_a_setting_is_the_mean_over_its_seeds(frame):
    found = over_seeds(frame)
    for row in found.to_dict("records"):
        chosen = (frame["data.teacher"] == row["data.teacher"]) & (frame["data.label_noise"] == row["data.label_noise"])
        part = frame[chosen & (frame["learner"] == row["learner"]) & (frame["networks"] == row["networks"])]
        assert (row["seeds"], row["error"]) == (3, pytest.approx(sum(part["error"]) / 3))
        assert row["gain_low"] <= row["gain"] <= row["gain_high"]


def test_a_setting_has_single_networks_ensemble_and_average_side_by_side(frame):
    found, table = over_seeds(frame), settings_of(over_seeds(frame))
    assert len(table) == 3
    largest = found[(found["learner"] == "ensemble") & (found["networks"] == 4)]
    assert table["ensemble"].tolist() == largest["error"].tolist()
    assert (table["single"] - table["ensemble"]).tolist() == pytest.approx(table["gain"].tolist())


def test_a_gain_is_none_within_a_point_or_with_0_in_its_interval(frame):
    found = over_seeds(frame)
    for values, expected in {(0.009, 0.008, 0.011): True, (0.02, -0.01, 0.05): True, (0.02, 0.01, 0.03): False}.items():
        found[["gain", "gain_low", "gain_high"]] = values
        assert set(settings_of(found)["none"]) == {expected}


def test_a_sweeps_report_is_that_of_its_kind(root, tmp_path):
    assert is_inputs_sweep(root)
    found = sweep_report(root)
    assert [panel.name for panel in found.panels] == ["errors", "gains", "settings", "measures", "points"]
    assert found.facts["data.teacher"] == "linear, residual"
    assert all(panel.svg.startswith("<?xml") for panel in found.panels if panel.figure)


def test_a_sweep_of_another_kind_has_its_own_report(tmp_path):
    record_sweep(Sweep("two", SWEEP.points[:2]), tmp_path / "other")
    assert not is_inputs_sweep(tmp_path / "other")


def test_a_point_that_cannot_be_measured_is_named(root, tmp_path):
    record_sweep(Sweep("few", points_of(SMALL, [{"runs.single": 1}, {"runs.single": 3}], [0])), tmp_path / "few")
    frame = inputs_map(tmp_path / "few")
    assert len(frame["point"].unique()) == 1
    assert list(frame.attrs["left_out"].values()) == [
        "expected two single runs or more for an ensemble, got 1: record more of them"
    ]
