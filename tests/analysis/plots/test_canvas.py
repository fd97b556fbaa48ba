import re
import xml.etree.ElementTree as ET

import pytest

from probes.analysis.plots import canvas, png, svg
from probes.analysis.plots.canvas import BAD, GOOD, INK, MUTED, VIEWS, themed

COLOURS = [INK, MUTED, GOOD, BAD, *VIEWS]


def drawn():
    figure, (ax,) = canvas(2, 2)
    for height, colour in enumerate(COLOURS):
        ax.plot([0, 1], [height, height], color=colour)
    return figure


def test_the_same_figure_gives_the_same_svg():
    assert svg(drawn()) == svg(drawn())


def test_svg_text_is_text():
    figure, (ax,) = canvas(2, 2)
    ax.set_xlabel("step")

    assert ">step</text>" in svg(figure)


def test_a_themed_svg_is_an_element_of_which_every_colour_is_a_variable():
    element = themed(svg(drawn()))
    ET.fromstring(element)

    for colour in COLOURS:
        assert element.count(colour) == element.count(f", {colour})") > 0


def test_png_has_the_size_asked_for():
    header = png(drawn(), dpi=50)[16:24]

    assert (int.from_bytes(header[:4]), int.from_bytes(header[4:])) == (100, 100)


@pytest.mark.parametrize("colour", VIEWS)
def test_views_are_not_told_apart_by_red_and_green(colour):
    assert colour in {"#0173b2", "#de8f05"}


def test_lines_go_to_hundredths_of_a_point_and_nothing_else_is_rounded():
    figure, (ax,) = canvas(4, 3)
    ax.plot([0, 1, 2], [0, 1 / 3, 1 / 7])
    drawing = svg(figure)

    paths = re.findall(r' d="([^"]*)"', drawing)
    assert max(len(digits) for path in paths for digits in re.findall(r"\.(\d+)", path)) == 2
    assert re.search(r'(?:x|y)="\d+\.\d{3,}"', drawing)
