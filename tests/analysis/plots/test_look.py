import re

import matplotlib as mpl
import pytest

from probes.analysis.plots.canvas import canvas, png, svg
from probes.analysis.plots.look import look

NAMES = ["$x$", r"$\frac{$", "costs $5", "\x1b[2J", "two\nlines"]
SHOWN = ["$x$", r"$\frac{$", "costs $5", r"\x1b[2J"]


def texts(figure):
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg(figure))


def drawn():
    with look():
        figure, (ax,) = canvas(3, 3)
        ax.plot([1, 2], [1, 2], label="one")
        ax.set_title("title")
        ax.legend()
    return figure


@pytest.mark.parametrize(
    "settings",
    [{"text.usetex": True}, {"font.size": 40, "axes.titlesize": 40}, {"axes.grid": True}, {"lines.marker": "X"}],
)
def test_a_matplotlibrc_changes_no_figure(settings):
    usual = svg(drawn())

    with mpl.rc_context(settings):
        assert svg(drawn()) == usual


def test_settings_are_the_user_s_again_afterwards():
    with mpl.rc_context({"font.size": 40}):
        svg(drawn())
        assert mpl.rcParams["font.size"] == 40


@pytest.mark.parametrize("place", ["title", "label", "legend", "ticks", "text"])
def test_names_are_drawn_as_they_are(place):
    figure, (ax,) = canvas(4, 4)
    ax.plot([0, 4], [0, 1], label=NAMES[0])
    for number, name in enumerate(NAMES):
        {"title": ax.set_title, "label": ax.set_xlabel}.get(place, str)(name)
        ax.plot([], [], label=name if place == "legend" else None)
        ax.text(number, 0.5, name if place == "text" else "")
        if place in {"title", "label"} and number < len(SHOWN):
            assert SHOWN[number] in [text.replace("&gt;", ">") for text in texts(figure)]
    ax.legend()
    if place == "ticks":
        ax.set_xticks(range(len(NAMES)), NAMES)

    assert place in {"title", "label"} or set(SHOWN) <= set(texts(figure))
    assert png(figure)


@pytest.mark.parametrize(("scale", "options"), [("log", {}), ("symlog", {"linthresh": 10})])
def test_powers_of_ten_are_plain_signs(scale, options):
    figure, (ax,) = canvas(4, 4)
    ax.set_yscale(scale, **options)
    ax.plot([0, 1], [1e-3, 1e5])

    shown = texts(figure)
    assert "10⁵" in shown or "10⁴" in shown
    assert not [text for text in shown if "$" in text or "mathdefault" in text]
