import re

import pytest
import torch

from probes import open_log, quantities
from tests.repository.sources import ROOT

PAGE = (ROOT / "docs" / "quantities.md").read_text(encoding="utf-8")
ROWS = [re.split(r"(?<!\\)\|", line)[1:-1] for line in PAGE.splitlines() if line.startswith("| `")]


@pytest.fixture
def _own_random_numbers(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with torch.random.fork_rng(devices=[]):
        yield


@pytest.mark.usefixtures("_own_random_numbers")
def test_the_example_of_the_page_runs_as_it_stands():
    exec(re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)[0], {})
    log = open_log("runs/seed-2")

    assert log["0.weight.spectrum"].steps.tolist() == [0, 10, 20, 30]
    assert len(log["0.weight.overlaps"].steps) == 31
    assert log["0.weight.update_size"].dims == ("step", "measure")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip())
def test_a_row_of_the_table_is_a_quantity_with_its_definition_operations_and_costs(row):
    names, definition, _, operations, *costs = (cell.strip() for cell in row)

    assert all(callable(getattr(quantities, name)) for name in re.findall(r"`(\w+)`", names))
    assert definition
    assert operations
    assert [cost for cost in costs if not re.fullmatch(r"-|[\d.]+(, [\d.]+)?", cost)] == []
    assert len(costs) == 3


def test_no_quantity_has_two_rows():
    assert len({row[0] for row in ROWS}) == len(ROWS)
