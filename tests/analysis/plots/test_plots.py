import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from probes.analysis import (
    claims,
    coverage,
    error_rates,
    example_study,
    features,
    missing_features,
    pairs,
    plots,
    winners,
)
from probes.analysis.plots.canvas import BAD, GOOD, VIEWS, canvas

LOGS = example_study()
SINGLE = [log for log in LOGS if log.manifest.role == "single"]
ONE_CLASS = features(SINGLE[0]).query("`class` == 0")

DRAWN = {
    "claims": (plots.claims, claims(LOGS)),
    "coverage": (plots.coverage, coverage(LOGS)),
    "ensemble_error": (plots.ensemble_error, coverage(LOGS)),
    "error_rates": (plots.error_rates, error_rates(LOGS)),
    "growth": (plots.growth, missing_features(LOGS, LOGS)),
    "pairs": (plots.pairs, pairs(LOGS)),
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
