import numpy as np
import pandas as pd
import pytest
from scipy import stats

from probes.analysis.sweeps.contrast import COLUMNS, KIND, PUBLISHED, contrast
from probes.analysis.sweeps.contrast_panel import contrast_panel
from probes.analysis.sweeps.maps import mapped
from probes.analysis.sweeps.report import sweep_report
from probes.analysis.sweeps.table import written
from probes.analysis.theory.expectations import EXPECTATIONS
from probes.log import open_logs
from probes.studies import record_study
from probes.studies.recipe_files import built_in, override

SINGLE, AVERAGE, STUDENTS = [0.5, 0.4, 0.6], [0.3, 0.1, 0.35], [0.8, 0.7, 0.95]


def rows(learner, measure, values, variant=""):
    frame = pd.DataFrame({"point": [f"{learner}{seed}" for seed in range(len(values))], KIND: learner, "value": values})
    return frame.assign(measure=measure, variant=variant, low=frame["value"] - 0.1, high=frame["value"] + 0.2, n=1)


@pytest.fixture
def frame():
    parts = [
        rows("tangent", "single.test_error_mu", SINGLE),
        rows("tangent", "average.test_error_mu", AVERAGE),
        rows("tangent", "distilled.test_error_mu", STUDENTS, "stopped"),
        rows("tangent", "single.train_error", [0.0, 0.1, 0.2]),
        rows("patch", "single.test_error_mu", SINGLE[:2]),
        rows("patch", "ensemble.test_error_mu", [0.45, 0.35]),
        rows("patch", "winners.size", [0.7, 0.8]),
    ]
    return pd.concat(parts, ignore_index=True).assign(expected=np.nan)


def test_rows_are_learners_and_networks_in_the_tables_order(frame):
    table = contrast(frame)
    assert tuple(table.columns) == COLUMNS
    expected = [["patch", "single"], ["patch", "ensemble"]]
    expected += [["tangent", "single"], ["tangent", "average"], ["tangent", "distilled"]]
    assert table[["learner", "networks"]].to_numpy().tolist() == expected


def test_a_gain_is_taken_seed_by_seed_with_a_t_interval(frame):
    found = contrast(frame).set_index(["learner", "networks"]).loc[("tangent", "average")]
    gains = np.subtract(SINGLE, AVERAGE)
    expected = [gains.mean(), *stats.t.interval(0.95, 2, gains.mean(), stats.sem(gains))]
    assert found[["gain_mu", "gain_low", "gain_high"]].tolist() == pytest.approx(expected)
    assert found["error_mu"] == pytest.approx(0.25)


def test_a_gain_of_two_seeds_joins_the_intervals_of_both_errors(frame):
    found = contrast(frame).set_index(["learner", "networks"]).loc[("patch", "ensemble")]
    reach = (0.1**2 + 0.2**2) ** 0.5 / 2**0.5  # of one seed's gain, down and up alike; of the mean of two
    assert found[["gain_mu", "gain_low", "gain_high"]].tolist() == pytest.approx([0.05, 0.05 - reach, 0.05 + reach])


def test_a_gain_or_loss_is_named_where_it_is_clear(frame):
    found = contrast(frame).set_index(["learner", "networks"])["gains"]
    assert found.to_dict() == {
        ("patch", "single"): "",
        ("patch", "ensemble"): "unclear",
        ("tangent", "single"): "",
        ("tangent", "average"): "gains",
        ("tangent", "distilled"): "loses",
    }


def test_the_training_error_is_that_of_the_single_models(frame):
    found = contrast(frame).groupby("learner")["train_error"].first()
    assert found["tangent"] == pytest.approx(0.1)


def test_published_accuracies_are_those_of_the_claims():
    claims = {"single": "single", "ensemble": "ensemble", "distilled": "distilled", "self_distilled": "self_distilled"}
    for networks, claim in claims.items():
        lines = EXPECTATIONS[f"{claim}.test_error_mu"].published.split("\n")
        assert PUBLISHED["patch", networks].split(" / ") == [f"{line.split(' ')[0]} %" for line in lines]


def test_published_accuracies_stand_with_every_variant(frame):
    found = contrast(frame).set_index(["learner", "networks"])["published"]
    assert found["tangent", "distilled"] == "66.01 % / 31.38 %"


def test_without_errors_there_is_no_panel(frame):
    assert list(contrast_panel(frame[frame["measure"] == "winners.size"])) == []


@pytest.fixture(scope="module")
def root(tiny_root, tmp_path_factory):
    """A sweep of two learners: the tiny study, and a shorter one of its tangent."""
    folder = tmp_path_factory.mktemp("contrast")
    few = {"training.steps": 5, "distilled.steps": 5, "runs.self_distilled": 0, "network.init_scale": 1.0}
    settings = {key: str(value) for key, value in few.items()} | {KIND: "tangent"}
    record_study(override(built_in("tiny"), settings), folder / "tangent")
    (folder / "patch").symlink_to(tiny_root)
    points = [
        {"point": kind, KIND: kind, "seed": 0, "status": "finished", "path": kind} for kind in ["patch", "tangent"]
    ]
    (folder / "sweep.csv").write_text(written(points, [KIND]))
    return folder


def test_a_sweep_of_learners_sets_them_side_by_side(root):
    panels = {panel.name: panel for panel in sweep_report(root).panels}
    assert list(panels) == ["contrast", "map", "measures", "points"]
    assert panels["contrast"].table.equals(contrast(mapped(root)[0]))
    assert [ax.get_title(loc="left") for ax in panels["contrast"].figure.axes] == ["the network", "its tangent (NTK)"]


def test_of_a_linear_learner_only_errors_are_measured(root):
    frame = mapped(root)[0]
    found = set(frame.loc[frame[KIND] == "tangent", "measure"])
    assert found == {
        "single.test_error_mu",
        "ensemble.test_error_mu",
        "distilled.test_error_mu",
        "average.test_error_mu",
        "single.train_error",
    }
    assert frame.attrs["left_out"] == {}


def test_the_average_of_a_point_is_that_of_its_run(root, tiny_root):
    frame = mapped(root)[0]
    (found,) = frame.loc[(frame["measure"] == "average.test_error_mu") & (frame[KIND] == "patch"), "value"]
    (log,) = open_logs(tiny_root).by_role("average")
    wrong = {}
    for part in ("single_view", "multi_view"):
        logits, labels = (log.evaluation.arrays[f"{part}/{name}"] for name in ("logits", "labels"))
        others = np.where(np.arange(6) == labels[:, None], -np.inf, logits).max(1)
        wrong[part] = (others >= logits[np.arange(len(labels)), labels]).mean()
    assert found == pytest.approx(wrong["single_view"] + 0.95 / 0.05 * wrong["multi_view"])
