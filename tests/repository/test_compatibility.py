import subprocess
import sys

from scripts.compatibility import PAGE, VERDICTS, Situation, page
from tests.repository.sources import ROOT

GATHER = "from scripts.compatibility import gathered, page; print(page(gathered()), end='')"


def rows(text):
    return {line for line in text.splitlines() if line.startswith("| ")}


def test_the_page_is_what_the_tests_show():
    found = subprocess.run([sys.executable, "-c", GATHER], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert rows(found) == rows(PAGE.read_text()), "write it anew: python -m scripts.compatibility"


def test_every_verdict_is_one_that_the_page_explains():
    verdicts = {line.split(" | ")[1] for line in rows(PAGE.read_text())} - {"verdict"}

    assert verdicts <= set(VERDICTS)
    assert all(f"`{verdict}` means" in PAGE.read_text() for verdict in VERDICTS)


def test_a_row_names_situation_verdict_and_test():
    line = page([Situation("works", "tests/test_a.py", "test_b", "gradient accumulation")]).splitlines()[-1]

    assert line == "| gradient accumulation | works | [test_b](../tests/test_a.py) |"
