import math
import shutil

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from probes.analysis.sweeps.maps import expected_share, mapped, pooled, varied
from probes.analysis.sweeps.report import sweep_report
from probes.analysis.sweeps.table import written
from probes.analysis.theory.findings.claims import claims
from probes.analysis.theory.findings.coverage import coverage


@pytest.fixture(scope="module")
def root(tiny_root, tmp_path_factory):
    """A sweep of two points, one the tiny study and one that failed."""
    folder = tmp_path_factory.mktemp("maps")
    rows = [
        {"point": "a", "network.q": 3, "seed": 0, "status": "finished", "path": "a"},
        {"point": "b", "network.q": 4, "seed": 0, "status": "failed", "path": "b", "error": "RunError: no room"},
    ]
    (folder / "sweep.csv").write_text(written(rows, ["network.q"]))
    (folder / "a").symlink_to(tiny_root)
    return folder


def test_measures_are_those_of_the_claims(root, tiny_root):
    frame = mapped(root)[0].set_index(["measure", "variant"])
    for row in claims(tiny_root).itertuples():
        if (row.claim, row.variant) in frame.index:
            found = frame.loc[(row.claim, row.variant), ["value", "low", "high", "n"]]
            assert found.tolist() == [row.measured, row.low, row.high, row.n]
    assert {"single.test_error_mu", "ensemble.test_error_mu", "winners.size"} < set(frame.index.get_level_values(0))


def test_every_row_names_its_point(root):
    for frame in mapped(root):
        assert frame[["point", "network.q", "seed"]].drop_duplicates().to_numpy().tolist() == [["a", 3, 0]]


def test_what_failed_is_left_out_with_its_reason(root):
    assert mapped(root)[0].attrs["left_out"] == {"b": "RunError: no room"}


def test_coverage_is_that_of_the_study(root, tiny_root):
    expected = coverage(tiny_root)
    assert mapped(root)[1]["coverage"].tolist() == expected["coverage"].tolist()
    assert mapped(root)[1]["expected"].tolist() == [0.5, 0.75, 0.875]


def test_the_theory_follows_from_the_recipe(root):
    frame = mapped(root)[0].drop_duplicates("measure").set_index("measure")["expected"]
    wrong = (1 - math.exp(-2.0 * (1 - 1 / 6))) / 2  # s = 2, k = 6
    assert frame["single.test_error_mu"] == pytest.approx(wrong)
    assert frame["self_distilled.test_error_mu"] == pytest.approx(wrong / 2)
    assert frame["ensemble.test_error_mu"] == pytest.approx(2 * wrong / 2**3)
    assert frame["winners.size"] == expected_share(4)
    assert frame["ensemble.coverage"] == 1 - 2**-3


@pytest.mark.parametrize("neurons", [2, 5, 10, 100])
def test_the_share_of_winners_is_that_of_drawn_initialisations(neurons):
    peaks = np.random.default_rng(0).normal(size=(20_000, 2, neurons)).max(axis=2).clip(min=0)
    won = (peaks.max(axis=1) >= peaks.min(axis=1) * (1 + 1 / math.log(neurons) ** 2)) & (peaks.max(axis=1) > 0)
    assert expected_share(neurons) == pytest.approx(won.mean(), abs=0.012)


def test_pooled_seeds_have_a_t_interval():
    values = [0.1, 0.2, 0.6]
    frame = pd.DataFrame({"x": 1, "value": values, "low": 0.0, "high": 1.0, "expected": 0.5})
    low, high = stats.t.interval(0.95, 2, loc=0.3, scale=np.std(values, ddof=1) / 3**0.5)
    found = pooled(frame, ["x"]).iloc[0]
    assert found[["value", "low", "high"]].tolist() == pytest.approx([0.3, max(0, low), min(1, high)])


def test_two_seeds_join_their_own_intervals():
    frame = pd.DataFrame({"x": 1, "value": [0.4, 0.6], "low": [0.3, 0.5], "high": [0.5, 0.9], "expected": 0.5})
    found = pooled(frame, ["x"]).iloc[0]
    reach = [(0.1**2 + 0.1**2) ** 0.5 / 2, (0.1**2 + 0.3**2) ** 0.5 / 2]
    assert found[["value", "low", "high"]].tolist() == pytest.approx([0.5, 0.5 - reach[0], 0.5 + reach[1]])


def test_a_key_that_follows_from_another_spans_no_map():
    frame = pd.DataFrame({
        "point": list("abcd"),
        "network.q": [3, 3, 4, 4],
        "training.steps": [5, 5, 9, 9],
        "network.neurons": [2, 4, 2, 4],
        "data.patches": 9,
        "seed": 0,
    })
    assert varied(frame) == ["network.q", "network.neurons"]


@pytest.mark.parametrize(
    ("keys", "points", "names"),
    [
        ([], [()], ["members"]),
        (["network.q"], [(3,), (4,)], ["test_error", "race", "members"]),
        (["network.q", "network.neurons"], [(3, 5), (3, 6), (4, 5)], ["test_error", "race", "members"]),
        (
            ["network.q", "data.own", "noise.dim"],
            [(3, 5, 9), (4, 5, 9), (3, 6, 9), (3, 5, 8)],
            ["test_error-q", "race-q"],
        ),
    ],
)
def test_diagrams_follow_from_what_varies(tiny_root, tmp_path, keys, points, names):
    rows = [
        {
            "point": str(number),
            **dict(zip(keys, row, strict=True)),
            "seed": 0,
            "status": "finished",
            "path": "ab"[number % 2],
        }
        for number, row in enumerate(points)
    ]
    (tmp_path / "sweep.csv").write_text(written(rows, keys))
    (tmp_path / "a").symlink_to(tiny_root)
    shutil.copytree(min(tiny_root.glob("single-*")), tmp_path / "b" / "single")
    assert [panel.name for panel in sweep_report(tmp_path).panels][: len(names)] == names


def test_a_report_says_which_values_vary(root):
    assert sweep_report(root).facts["exponent q"] == "3, 4"


def test_a_measure_that_depends_on_nothing_is_stated_and_not_drawn(tiny_root, tmp_path):
    rows = [
        {"point": f"{q} {m}", "network.q": q, "network.neurons": m, "seed": 0, "status": "finished", "path": "a"}
        for q, m in [(3, 5), (4, 5), (3, 6)]
    ]
    (tmp_path / "sweep.csv").write_text(written(rows, ["network.q", "network.neurons"]))
    (tmp_path / "a").symlink_to(tiny_root)
    assert [panel.name for panel in sweep_report(tmp_path).panels] == ["members", "map", "measures", "points"]


def test_words_stand_in_the_order_of_the_sweep(tiny_root, tmp_path):
    rows = [
        {"point": name, "name": name, "training.momentum": momentum, "seed": 0, "status": "finished", "path": "a"}
        for name, momentum in [("momentum", 0.9), ("gradient descent", 0.0)]
    ]
    (tmp_path / "sweep.csv").write_text(written(rows, ["name", "training.momentum"]))
    (tmp_path / "a").symlink_to(tiny_root)
    panels = {panel.name: panel for panel in sweep_report(tmp_path).panels}
    places = panels["race"].figure.axes[0].get_xticklabels()
    assert [label.get_text() for label in places] == panels["map"].table["name"].tolist()
    assert panels["map"].table["name"].tolist() == ["momentum", "gradient descent"]
    assert panels["members"].figure.axes[0].get_legend()._ncols == 2
