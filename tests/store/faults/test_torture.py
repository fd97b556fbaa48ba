import json
import os
import subprocess
from unittest import mock

import pytest
from click.testing import CliRunner
from tests.torture.__main__ import main

from tests.repository.sources import ROOT


def run(*arguments):
    return CliRunner().invoke(main, arguments)


def test_the_script_can_be_executed_and_parsed():
    assert os.access(ROOT / "scripts/torture", os.X_OK)
    assert subprocess.run(["bash", "-n", ROOT / "scripts/torture"], check=False).returncode == 0


def test_what_was_tried_is_a_table():
    result = run("tails", "--count", "4")
    title, head, row = result.stdout.splitlines()

    assert (result.exit_code, title.split()) == (0, ["seed", "0"])
    assert head.split() == ["kind", "cases", "failures", "what", "was", "checked", "seconds"]
    assert row.split()[:3] == ["tails", "4", "0"]


def test_for_programs_it_is_json():
    (outcome,) = json.loads(run("tails", "--count", "4", "--workers", "1", "--json").stdout)

    assert (outcome["kind"], outcome["count"], outcome["failures"]) == ("tails", 4, [])


@pytest.fixture
def failures():
    """Of a store whose journals have no checksums."""
    with mock.patch("probes.log.journal_frames._is_whole", return_value=True):
        yield run("tails", "--count", "30", "--seed", "5")


def test_a_failure_is_the_exit_code(failures):
    assert failures.exit_code == 1


def test_a_failure_says_how_to_see_it_again(failures):
    line = next(line for line in failures.stderr.splitlines() if line.startswith("tails"))
    again = line.partition(":")[0].split()
    with mock.patch("probes.log.journal_frames._is_whole", return_value=True):
        result = run(*again, "--count", "1", "--workers", "1")

    assert again[:3] == ["tails", "--seed", "5"]
    assert [text for text in result.stderr.splitlines() if text.startswith("tails")] == [line]
