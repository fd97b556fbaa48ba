import json
import re

import pytest
from click.testing import CliRunner

from probes.cli import main
from probes.cli.amounts import as_bytes, as_clock, as_duration, one_line
from probes.studies.estimate import estimate
from probes.studies.recipe_files import built_in, names


def probes(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def rows():
    return json.loads(probes("estimate", "tiny", "--json").stdout)


def test_every_phase_has_a_row_with_bytes_and_seconds(rows):
    assert [row["phase"] for row in rows["phases"]] == [phase.name for phase in estimate(built_in("tiny")).phases]
    assert all(row["total_bytes"] > row["weights_bytes"] > 0 < row["seconds"] for row in rows["phases"])


def test_the_parts_sum_up_to_the_whole(rows):
    assert sum(row["total_bytes"] for row in rows["phases"]) == rows["bytes"] == rows["thinner"][0]["total_bytes"]
    assert sum(row["seconds"] for row in rows["phases"]) == pytest.approx(rows["seconds"], abs=0.1)
    for row in rows["phases"]:
        assert row["total_bytes"] == row["log_bytes"] + row["weights_bytes"] + row["tests_bytes"]


def test_thinner_schedules_stand_below_the_whole(rows):
    assert [row["schedule"] for row in rows["thinner"]] == [
        "every(1)",
        "every(10)",
        "logarithmic(20)",
        "logarithmic(10)",
    ]


def test_it_says_by_which_rules(rows):
    assert rows["rules"][0].startswith("log: 0.55 of its raw bytes where every step is recorded")
    assert rows["rules"][1].endswith("an estimate")


def test_arguments_are_those_of_record():
    result = probes("estimate", "tiny", "--runs", 5, "--seed", 3, "--set", "runs.average=0", "--json")
    phases = json.loads(result.stdout)["phases"]
    assert (phases[0]["runs"], phases[-1]["phase"]) == (5, "self-distilled fresh")


def test_the_last_line_says_it_in_short(tmp_path):
    result = probes("estimate", "tiny", "--out", tmp_path / "not" / "yet")
    assert (result.exit_code, result.stderr) == (0, "")
    assert re.fullmatch(r"tiny: about 4[.\d]* MB and \d+ seconds?; [.\d]+ .B are free", result.stdout.splitlines()[-1])
    assert list(tmp_path.iterdir()) == []


def test_tables_fit_eighty_columns():
    tables = probes("estimate", "tiny", "--set", "training.steps=1000")
    assert max(len(line.rstrip()) for line in tables.stdout.splitlines()[:12]) <= 80


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["tinny"],
            f"unknown recipe `tinny`: expected {', '.join(names())} (nearest: tiny), or a TOML file",
        ),
        (
            ["tiny", "--set", "network.neurons"],
            "expected --set KEY=VALUE, got 'network.neurons', for example --set network.neurons=8",
        ),
    ],
)
def test_what_it_does_not_know_is_refused_in_one_line(words, line):
    result = probes("estimate", *words)
    assert (result.exit_code, result.stderr) == (2, f"probes: {line}\n")


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (999.6, "1 kB"), (1000, "1 kB"), (382_887_093, "383 MB"), (73e9, "73 GB")],
)
def test_bytes_have_the_unit_that_fits(count, text):
    assert as_bytes(count) == text


def test_bytes_never_end():
    assert (as_bytes(5e12), as_bytes(5e18)) == ("5 TB", "5,000,000 TB")


@pytest.mark.parametrize(
    ("seconds", "text", "clock"),
    [
        (0.2, "1 second", "0:00"),
        (59.7, "60 seconds", "1:00"),
        (245, "4 minutes", "4:05"),
        (9000, "2.5 hours", "2:30:00"),
        (864_000, "10 days", "240:00:00"),
    ],
)
def test_times_are_as_precise_as_they_are_known(seconds, text, clock):
    assert (as_duration(seconds), as_clock(seconds)) == (text, clock)


def test_one_line_warns_where_room_is_scarce():
    assert one_line(9e9, 73e9, 240) == "about 9 GB and 4 minutes; 73 GB are free"
    assert one_line(9e9, 3e9) == "about 9 GB; only 3 GB are free"
