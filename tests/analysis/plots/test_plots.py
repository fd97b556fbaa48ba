import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from probes.analysis import (
    bounds,
    claims,
    confusion,
    coverage,
    deletion,
    deletion_rates,
    error_rates,
    example_study,
    features,
    forces,
    growth,
    kept_alive,
    lessons,
    lottery,
    margins,
    memorisation,
    missing_features,
    pairs,
    phases,
    plots,
    timing,
    winners,
)
from probes.analysis.plots.canvas import BAD, GOOD, VIEWS, canvas

LOGS = example_study()
SINGLE = [log for log in LOGS if log.manifest.role == "single"]
ONE_CLASS = features(SINGLE[0]).query("`class` == 0")

DRAWN = {
    "claims": (plots.claims, claims(LOGS)),
    "bounds": (plots.bounds, bounds(SINGLE)),
    "coverage": (plots.coverage, coverage(LOGS)),
    "deletion": (plots.deletion, deletion(SINGLE)),
    "deletion_rates": (plots.deletion_rates, deletion_rates(deletion(LOGS))),
    "ensemble_error": (plots.ensemble_error, coverage(LOGS)),
    "error_rates": (plots.error_rates, error_rates(LOGS)),
    "growth": (plots.growth, missing_features(LOGS, LOGS)),
    "lessons": (plots.lessons, lessons(LOGS[1:4], LOGS)),
    "lottery": (plots.lottery, lottery(LOGS)),
    "pairs": (plots.pairs, pairs(LOGS)),
    "rises": (plots.rises, growth(LOGS[1:4], LOGS)),
    "margins": (plots.margins, margins(LOGS)),
    "confusion": (plots.confusion, confusion(winners(SINGLE)).query("prediction == 'in M'")),
    "kept_alive": (plots.kept_alive, kept_alive(LOGS)),
    "escape": (plots.escape, timing(SINGLE)),
    "phases": (plots.phases, phases(LOGS)),
    "forces": (plots.forces, forces(LOGS[1])),
    "memorisation": (plots.memorisation, memorisation(SINGLE)),
    "error_against_coverage": (plots.error_against_coverage, memorisation(SINGLE)),
    "trajectories": (plots.trajectories, ONE_CLASS),
    "winners": (plots.winners, winners(SINGLE)),
}


@pytest.fixture
def ax():
    return canvas(5, 4)[1][0]


@pytest.mark.parametrize("name", DRAWN)
def test_a_plot_takes_frame_and_axes_and_returns_the_axes(name, ax):
    draw, frame = DRAWN[name]
    before = frame.copy()

    assert draw(frame, ax) is ax
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize("name", DRAWN)
def test_a_plot_changes_nothing_global(name, ax):
    style, draw = dict(mpl.rcParams), DRAWN[name][0]
    draw(DRAWN[name][1], ax)
    plots.png(ax.figure, dpi=30)

    assert dict(mpl.rcParams) == style
    assert plt.get_fignums() == []


@pytest.mark.parametrize("name", [name for name in DRAWN if name != "winners"])
def test_axes_say_what_they_show(name, ax):
    DRAWN[name][0](DRAWN[name][1], ax)

    assert ax.get_xlabel()
    assert ax.get_ylabel() or all(label.get_text() for label in ax.get_yticklabels())


def test_trajectories_draw_each_view_in_its_colour(ax):
    plots.trajectories(ONE_CLASS, ax)
    for view, line in enumerate(ax.get_lines()[1:]):
        assert line.get_color() == VIEWS[view]
        assert line.get_ydata().tolist() == ONE_CLASS.loc[ONE_CLASS["view"] == view, "strength"].tolist()


def test_the_null_is_drawn_beside_trajectories(ax):
    plots.trajectories(ONE_CLASS, ax)

    assert ax.get_lines()[0].get_ydata().tolist() == ONE_CLASS.groupby("step")["off_strength"].max().tolist()


def test_the_grid_has_a_panel_for_every_class():
    figure = plots.trajectory_grid(features(SINGLE[0]))

    assert [ax.get_title() for ax in figure.axes if ax.axison] == [f"class {class_}" for class_ in range(6)]


def test_winners_have_one_square_a_class_and_two_triangles_for_a_tie(ax):
    table = winners(SINGLE)
    plots.winners(table, ax)
    ties = (table["learned"] == "both").sum()

    assert len(ax.patches) == len(table) + ties


def test_rings_are_the_classes_outside_m_and_crosses_the_mispredicted(ax):
    table = winners(SINGLE).assign(agrees=lambda frame: frame.index != 3)
    plots.winners(table, ax)
    rings, crosses = (len(line.get_xdata()) for line in ax.get_lines())

    assert rings == (~table["winner"]).sum()
    assert crosses == int(table.loc[3, "learned"] != "both")


def test_coverage_draws_the_line_of_a_fair_coin(ax):
    plots.coverage(coverage(LOGS), ax)

    assert ax.get_lines()[0].get_ydata() == pytest.approx(1 - 0.5 ** np.arange(1, 6))


def test_the_predicted_error_is_drawn_as_dashes(ax):
    table = coverage(LOGS)
    plots.ensemble_error(table, ax)

    assert ax.get_lines()[-1].get_ydata().tolist() == table["error_predicted_mu"].tolist()


def test_deletion_joins_control_before_and_after_of_every_view(ax):
    table = deletion(SINGLE)
    plots.deletion(table, ax)
    drawn = np.array([line.get_ydata() for line in ax.get_lines() if line.get_linewidth() < 1])

    expected = pd.concat([table[~table["learned"]], table[table["learned"]]])[["control", "before", "after"]]
    assert drawn == pytest.approx(expected.to_numpy(float), nan_ok=True)


def test_what_is_beyond_its_bound_is_a_red_cross(ax):
    table = bounds(SINGLE)
    plots.bounds(table, ax)
    crosses = [line for line in ax.get_lines() if line.get_color() == BAD]

    beyond = table[~table["inside"] & (table["bound"] != "balance")]
    assert sorted(x for line in crosses for x in line.get_xdata()) == pytest.approx(sorted(beyond["largest"]))


def test_lessons_have_a_row_a_student_and_say_how_many_of_how_many(ax):
    table = lessons(LOGS[1:4], LOGS)
    plots.lessons(table, ax)

    sums = {run: rows[["taken_over", "lacked"]].sum() for run, rows in table.groupby("run", sort=False)}
    told = [f"{taken} of {lacked}" for taken, lacked in sums.values()]
    assert [label.get_text() for label in ax.child_axes[0].get_yticklabels()] == told
    assert [label.get_text().split(" from ")[0] for label in ax.get_yticklabels()] == list(sums)
    assert "from 5 teachers" in ax.get_yticklabels()[0].get_text()


def test_rises_have_one_dot_for_every_feature_that_was_taken_over(ax):
    table = growth(LOGS[1:4], LOGS)
    plots.rises(table, ax)

    expected = (~table["own"] & table["taught"] & table["learned"]).sum()
    assert sum(len(line.get_xdata()) for line in ax.get_lines()) == expected


def test_claims_that_hold_are_green_and_others_red(ax):
    table = claims(LOGS)
    plots.claims(table, ax)
    green, red = ax.get_lines()[:2]

    assert (green.get_color(), red.get_color()) == (GOOD, BAD)
    assert green.get_xdata().tolist() == table.loc[table["holds"], "measured"].tolist()


def test_a_claim_far_outside_is_drawn_at_the_edge(ax):
    table = claims(LOGS).head(1).assign(measured=125.0, holds=False)

    assert plots.claims(table, ax).get_lines()[1].get_xdata().tolist() == [ax.get_xlim()[1]]


def test_growth_has_a_panel_for_each_kind_on_one_axis():
    kinds = {"alone": missing_features(SINGLE), "distilled": missing_features(LOGS[1], LOGS)}
    figure = plots.growth_beside(kinds)

    assert [ax.get_title() for ax in figure.axes] == list(kinds)
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()


def test_roles_are_in_the_order_of_the_theory(ax):
    plots.error_rates(error_rates(LOGS), ax)

    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "single",
        "average",
        "distilled (stopped)",
        "self_distilled (continued)",
        "self_distilled (fresh)",
    ]


def test_pairs_lie_at_uncovered_share_and_error(ax):
    plots.pairs(pairs(LOGS), ax)
    dots = [(*line.get_xdata(), *line.get_ydata()) for line in ax.get_lines()[1:]]

    assert dots == list(zip(pairs(LOGS)["uncovered"], pairs(LOGS)["error_mu"], strict=True))
