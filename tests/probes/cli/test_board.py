import json

import numpy as np
import pytest
from rich.console import Console

from probes.cli.watching.dashboard import board, short_names
from probes.cli.watching.line_output import json_line
from probes.cli.watching.live_runs import LiveRuns, View
from probes.cli.watching.race import Race
from probes.cli.watching.run_state import Glance


def shown(view, width=80, height=24, **options):
    """The lines on a terminal of that size."""
    console = Console(width=width, height=height, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(board(view, console, **options))
    return capture.get().splitlines()


def view_of(*glances, **facts):
    return View("runs", glances, **facts)


def racing(run, rows=12, status="recording", step=7):
    return Glance(run, status, step=step, race=Race("peak", tuple(map(str, range(rows))), np.ones((rows, 2))))


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (60, 16), (200, 60), (40, 12)])
def test_it_fits_the_terminal(tiny_root, width, height):
    lines = shown(LiveRuns(tiny_root).look(), width, height)
    assert len(lines) < height
    assert max(map(len, lines)) <= width


def test_a_class_has_a_row_with_both_strengths(tiny_root):
    view = LiveRuns(next(tiny_root.glob("single-00-*"))).look()
    rows = [line for line in shown(view) if "│" in line]
    for row, values in zip(rows, view.glances[0].race.values, strict=True):
        assert [word.rstrip("✓") for word in (row.split()[1], row.split()[-1])] == [f"{one:.3g}" for one in values]


def test_runs_that_are_recorded_come_first():
    view = view_of(Glance("a", "finished"), Glance("b", "diverged"), Glance("c", "recording"))
    assert [line.split()[0] for line in shown(view)[2:]] == ["c", "b", "a"]


def test_runs_without_room_are_counted():
    view = view_of(*(Glance(f"run-{number:02d}", "finished") for number in range(50)))
    lines = shown(view)
    rows = [line for line in lines if line.startswith("run-")]
    assert lines[-1].strip() == f"and {50 - len(rows)} finished"


def test_a_whole_board_has_every_run():
    view = view_of(*(Glance(f"run-{number:02d}", "finished") for number in range(50)))
    assert sum(line.startswith("run-") for line in shown(view, whole=True)) == 50


def test_the_race_of_a_run_that_is_recorded_goes_before_others():
    view = view_of(racing("a", status="finished"), racing("b"), racing("c"))
    assert [line[:9] for line in shown(view) if ", step" in line] == ["b, step 7"]


def test_a_wide_terminal_has_races_side_by_side():
    (titles,) = [line for line in shown(view_of(racing("a"), racing("b")), width=120) if ", step" in line]
    assert (titles.count("view 0"), titles.split()[0], "b, step 7" in titles) == (2, "a,", True)


def test_a_high_terminal_has_races_one_above_the_other():
    lines = shown(view_of(racing("a"), racing("b"), racing("c")), height=48)
    assert [line[0] for line in lines if ", step" in line] == ["a", "b", "c"]


def test_where_a_race_has_no_room_its_largest_are_shown():
    (title,) = [line for line in shown(view_of(racing("a", rows=100))) if ", step" in line]
    assert ", the 17 largest of 100" in title


def test_what_a_bar_means_stands_below():
    below = " ".join(line.strip() for line in shown(view_of(racing("a")))[-2:])
    assert below == (
        "bars: peak, the largest absolute correlation of a unit; the run's largest fills its bar; "
        "tick: learned, > 1.25 x its null"
    )


def test_the_rule_of_a_tick_stands_below(tiny_root):
    text = " ".join(shown(LiveRuns(tiny_root).look()))
    assert "learned, strength >= 0.25 x the run's median winner and > 2 x its median off-class" in text


def test_the_head_counts_runs_and_those_to_come():
    view = view_of(Glance("a", "recording"), Glance("b", "finished"), to_come=3)
    assert shown(view)[0].strip() == "runs: 1 recording, 1 finished, 3 to come"


def test_why_a_run_ended_is_told():
    view = view_of(Glance("a", "diverged", "the loss is no longer finite"), refused=("refused `x`",))
    assert [line.strip() for line in shown(view)[-2:]] == ["refused `x`", "a diverged: the loss is no longer finite"]


def test_what_looks_like_markup_is_text():
    view = view_of(Glance("a", "[red]", "[Errno 28] full"))
    assert "a   [red]" in shown(view)[2]
    assert shown(view)[3].strip() == "a [red]: [Errno 28] full"


def test_a_long_name_is_cut_in_its_middle():
    line = shown(view_of(Glance("self_distilled-continued-00", "finished")))[2]
    assert line.split()[0] == "self_distill…ontinued-00"


def test_names_that_would_be_alike_keep_their_hash():
    run_ids = ["single-00-1a2b3c4d", "single-00-99999999"]
    assert list(short_names(run_ids).values()) == run_ids


def test_json_holds_strengths_and_no_number_that_it_cannot():
    facts = json.loads(json_line(racing("a", rows=2)))
    assert (facts["values"], facts["won"], facts["loss"]) == ([[1, 1], [1, 1]], None, None)
    assert json.loads(json_line(Glance("a", "recording", loss=float("inf"))))["loss"] is None
