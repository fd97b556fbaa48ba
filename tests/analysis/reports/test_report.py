import base64
import gzip
import html
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest

from probes.analysis import RULE, Report, example_study, report
from probes.analysis.panel import Panel
from probes.analysis.plots import canvas
from probes.analysis.reports.page import place
from probes.analysis.study import Study
from probes.analysis.theory import EXPECTATIONS, claims
from probes.analysis.theory.example import Sizes
from probes.analysis.theory.findings.claims import panel as claims_panel

LOGS = example_study(Sizes(classes=3, steps=60, singles=3))


class Elements(HTMLParser):
    """What a browser would load or show."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.addresses = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.addresses += [value for name, value in attrs if name in {"src", "href", "xlink:href"}]


def rendered(found):
    stream = io.StringIO()
    found.render(stream)
    return stream.getvalue()


@pytest.fixture(scope="module")
def found():
    return report(LOGS, title="A <study>")


@pytest.fixture(scope="module")
def page(found):
    return rendered(found)


def test_the_report_loads_nothing(page):
    outside = [address for address in Elements(page).addresses if not address.startswith(("#", "data:"))]

    assert outside == ["https://arxiv.org/abs/2012.09816"]
    assert not {"iframe", "object"} & {tag for tag, _ in Elements(page).tags}
    assert "default-src 'none'; img-src data:;" in page


def test_the_report_opens_with_the_three_questions_then_the_claims_which_fold(page):
    sections = re.findall(r'<section id="([\w-]+)"', page)

    assert sections[:6] == ["winners", "coverage", "growth", "claims-table", "claims", "race_matrix"]
    assert "<details>\n<summary>The theory's claims beside the measurements</summary>" in page


def test_the_contents_name_every_section(page):
    named = re.findall(r'<li><a href="#([\w-]+)"', page)

    assert named == re.findall(r'<section id="([\w-]+)"', page)


def test_headings_go_down_one_level_at_a_time(page):
    levels = [int(tag[1]) for tag, _ in Elements(page).tags if re.fullmatch("h[1-6]", tag)]

    assert levels[0] == 1
    assert set(levels[1:]) == {2}


def test_no_two_elements_have_the_same_id(page):
    ids = [attrs["id"] for _, attrs in Elements(page).tags if "id" in attrs]

    assert len(ids) == len(set(ids))


def test_every_figure_has_a_name_and_a_description(page):
    ids = {attrs["id"] for _, attrs in Elements(page).tags if "id" in attrs}
    figures = [attrs for tag, attrs in Elements(page).tags if tag == "svg" and "role" in attrs]

    assert len(figures) > 8
    assert all(figure["aria-label"] and figure["aria-describedby"] in ids for figure in figures)


def test_every_claim_is_in_the_table(page):
    assert all(f"<code>{claim}</code>" in page for claim in claims(LOGS)["claim"])


def test_a_claim_that_was_not_measured_stands_in_the_table_with_the_reason():
    found = report(LOGS[-1])
    page = rendered(found)

    assert page.count("○ not measured") == len(EXPECTATIONS) - found.claims["claim"].nunique() > 0
    assert "<code>average.gain_mu</code>: the study has no run, or no evaluation, to measure it by" in page


def test_a_rule_that_all_rows_share_is_said_once(found):
    page = rendered(replace(found, panels=[panel for panel in found.panels if panel.name == "unions"]))

    assert html.unescape(page).count(f'<p class="note">learned: {RULE}</p>') == 1
    assert '<th scope="col">rule</th>' not in page


def test_the_title_is_escaped(page):
    assert "<h1>A &lt;study&gt;</h1>" in page


def test_figures_follow_the_page_into_the_dark(page):
    assert "@media screen and (prefers-color-scheme: dark)" in page
    assert "var(--blue, #0173b2)" in page


def test_every_panel_carries_its_numbers(found, page):
    links = {attrs["download"]: attrs["href"] for tag, attrs in Elements(page).tags if "download" in attrs}
    for panel in found.panels:
        address = links.get(f"{panel.name}.csv") or links[f"{panel.name}.csv.gz"]
        kind, text = address.split(",", 1)
        assert panel.csv == (gzip.decompress(base64.b64decode(text)).decode() if "gzip" in kind else unquote(text))


def test_a_figure_that_is_large_is_pixels():
    figure, (ax,) = canvas(3, 3)
    ax.plot(np.random.default_rng(0).normal(size=10_000), "o")
    panel = Panel("large", "Large", "", pd.DataFrame({"x": [1]}), figure)

    assert '<img alt="Large" width="288" src="data:image/png;base64,' in rendered(Report("", {}, [panel]))


def test_a_page_has_room_for_the_small_tables_and_names_the_others():
    numbers = pd.DataFrame({"x": np.random.default_rng(0).normal(size=700_000)})
    page = rendered(Report("", {}, [Panel("large", "", "", numbers), Panel("small", "", "", numbers[:9])]))

    assert "large.csv is written beside this report." in page
    assert 'download="small.csv"' in page
    assert len(page) < 3_000_000


def test_the_largest_figures_become_pixels_until_all_have_room(monkeypatch):
    panels = []
    for name, dots in {"a": 300, "b": 300, "c": 300, "d": 300, "small": 300, "large": 3000}.items():
        figure, (ax,) = canvas(3, 3)
        ax.scatter(*np.random.default_rng(0).normal(size=(2, dots)))
        panels.append(Panel(name, name, "", pd.DataFrame(), figure))
    monkeypatch.setattr("probes.analysis.reports.page._FIGURES", 300_000)

    assert ["<svg" in placed.figure for placed in place(panels)] == [True, True, True, True, True, False]


def test_what_is_absent_is_said_with_its_reason():
    page = rendered(Report("", {}, absent={"one": "no runs", "two": "no runs"}))

    assert "<dt>one,<br>two<br></dt>" in page.replace("\n", "")
    assert page.count("no runs") == 1


def test_the_same_findings_make_the_same_page(found):
    one, again = (replace(found, panels=[claims_panel(Study(LOGS))]) for _ in range(2))

    assert rendered(one) == rendered(again)


NUMBERS = {
    0.0: "0",
    0.45: "0.45",
    0.12345: "0.123",
    0.00143: "0.0014",
    4e-5: "&lt; 0.0001",
    -0.05: "\N{MINUS SIGN}0.05",
    40000: "40,000",
}


@pytest.mark.parametrize(("number", "text"), NUMBERS.items())
def test_numbers_are_written_for_readers(number, text):
    table = claims(LOGS).head(1).assign(measured=[number]).astype({"measured": object})

    assert f'<td class="figure" data-label="measured">{text}<span' in rendered(Report("", {}, claims=table))


def test_in_a_notebook_a_report_shows_claims_by_verdict_and_the_first_figures(found):
    shown = found._repr_html_()

    assert found.verdict in shown
    counts = {verdict: shown.count(f'class="{verdict}"') for verdict in ("holds", "open", "fails")}
    assert counts == found.claims["verdict"].value_counts().to_dict()
    assert re.findall(r'<figcaption id="(\w+)-caption"', shown) == ["winners", "coverage", "growth"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (float("nan"), ""), (-0.5, "\N{MINUS SIGN}0.5"), (1e-9, "1e\N{MINUS SIGN}09"), (3, "3")],
)
def test_cells_of_a_table_are_written_for_readers(value, text):
    table = pd.DataFrame({"x": pd.Series([value], dtype=object)})

    assert f"<tr><td>{text}</td></tr>" in rendered(Report("", {}, [Panel("one", "One", "", table)]))
