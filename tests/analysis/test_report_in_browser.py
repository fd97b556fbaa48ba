import json
import re

import numpy as np
import pytest
from matplotlib.image import imread

from probes.analysis import example_study, report
from probes.analysis.theory.example import Sizes
from tests.analysis.browser import NEEDED, browse, with_script

pytestmark = NEEDED

# Does what a reader does, and writes what came of it into the page.
SCRIPT = """
window.addEventListener("load", () => setTimeout(() => {
  const part = (name) => document.querySelector(`[data-part=${name}]`), seen = {};
  const press = (key) => part("canvas").dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const look = (name) => { seen[name] = [part("canvas").toDataURL(), part("told").textContent, part("slider").value]; };
  look("opened");
  part("slider").value = 0; part("slider").dispatchEvent(new Event("input")); look("dragged");
  press("ArrowRight"); look("right"); press("End"); look("end"); press("Home"); look("home");
  press(" "); seen.playing = part("play").textContent;
  setTimeout(() => {
    look("played"); part("play").click(); seen.paused = part("play").textContent;
    part("canvas").dispatchEvent(new PointerEvent("pointermove", { clientX: 0, clientY: 0 }));
    part("run").selectedIndex = 1; part("run").dispatchEvent(new Event("change"));
    setTimeout(() => {
      look("other");
      seen.still = document.querySelector(".still").hidden;
      document.body.innerHTML = `<pre>${JSON.stringify(seen)}</pre>`;
    }, 500);
  }, 600);
}, 500));
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    with path.open("w", encoding="utf-8") as stream:
        report(example_study(Sizes(classes=3, steps=60, singles=3))).render(stream)
    return path


@pytest.fixture(scope="module")
def seen(page, tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    text, console = browse(with_script(page, SCRIPT, folder / "used.html"), folder / "profile", "--dump-dom")
    assert console == []
    return json.loads(re.search("<pre>(.*)</pre>", text)[1])


def pixels(page, folder, *options):
    _, console = browse(page, folder / "profile", f"--screenshot={folder / 'shot.png'}", *options)
    assert console == []
    return imread(folder / "shot.png")[..., :3]


def test_the_slider_moves_the_matrix_and_says_where_it_is(seen):
    assert seen["opened"][0] != seen["dragged"][0]
    assert (seen["opened"][1].split(",")[0], seen["dragged"][1].split(",")[0]) == ("step 60", "step 0")


def test_the_player_obeys_the_keyboard(seen):
    assert (seen["dragged"][2], seen["right"][2], seen["home"][2]) == ("0", "1", "0")
    assert seen["end"] == seen["opened"]
    assert seen["home"] == seen["dragged"]


def test_play_goes_on_by_itself_and_stops_when_told(seen):
    assert (seen["playing"], seen["paused"]) == ("Pause", "Play")
    assert int(seen["played"][2]) >= 2


def test_another_run_can_be_chosen(seen):
    assert seen["other"][0] not in {seen["opened"][0], seen["dragged"][0]}


def test_the_player_takes_the_place_of_the_drawing(seen):
    assert seen["still"] is True


def test_a_screenshot_is_not_blank(page, tmp_path):
    colours = np.unique(pixels(page, tmp_path, "--window-size=1100,3000").reshape(-1, 3), axis=0)

    assert len(colours) > 200


@pytest.mark.slow
def test_a_dark_page_is_dark(page, tmp_path):
    dark = pixels(page, tmp_path, "--blink-settings=preferredColorScheme=0", "--force-dark-mode")

    assert np.median(dark) < 0.2


@pytest.mark.slow
def test_without_javascript_the_last_step_is_a_drawing(page, tmp_path):
    plain = tmp_path / "plain.html"
    plain.write_text(page.read_text("utf-8").replace("script-src 'unsafe-inline'", "script-src 'none'"), "utf-8")
    text, _ = browse(plain, tmp_path / "profile", "--dump-dom")

    assert '<div class="player" id="player" hidden="">' in text
    assert '<div class="drawing wide still"' in text


@pytest.mark.slow
def test_the_page_does_not_scroll_sideways_on_a_phone(page, tmp_path):
    script = "document.title = document.documentElement.scrollWidth - window.innerWidth"
    narrow = with_script(page, script, tmp_path / "narrow.html")

    text, _ = browse(narrow, tmp_path / "profile", "--dump-dom", "--window-size=400,800")
    assert re.search("<title>(.*)</title>", text)[1] == "0"
