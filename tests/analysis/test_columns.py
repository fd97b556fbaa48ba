import pytest

from probes.analysis import (
    bounds,
    claims,
    columns_of,
    confusion,
    coverage,
    deletion,
    deletion_rates,
    error_rates,
    escape,
    example_study,
    features,
    force_shares,
    forces,
    growth,
    kept_alive,
    learned,
    lessons,
    lottery,
    margins,
    memorisation,
    pairs,
    phases,
    runs,
    summary,
    timing,
    uncovered,
    unions,
    winners,
)
from probes.analysis.columns import MEANINGS, TABLES, variant_order

MADE = {
    "runs": runs,
    "features": features,
    "learned": learned,
    "winners": winners,
    "confusion": lambda logs: confusion(winners(logs)),
    "margins": margins,
    "kept_alive": kept_alive,
    "timing": timing,
    "escape": lambda logs: escape(timing(logs)),
    "phases": phases,
    "forces": forces,
    "force_shares": force_shares,
    "memorisation": memorisation,
    "coverage": coverage,
    "growth": lambda logs: growth(logs[1:4] if len(logs) > 1 else [], logs),
    "lottery": lottery,
    "uncovered": uncovered,
    "lessons": lambda logs: lessons(logs[1:4], logs),
    "unions": lambda logs: unions(logs[1:4], logs),
    "deletion": deletion,
    "deletion_rates": lambda logs: deletion_rates(deletion(logs)),
    "bounds": bounds,
    "error_rates": error_rates,
    "pairs": pairs,
    "claims": claims,
    "summary": summary,
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_the_columns_that_are_stated(name):
    assert list(MADE[name](example_study()).columns) == list(TABLES[name])


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_no_runs_has_the_same_columns(name):
    table = MADE[name]([])

    assert list(table.columns) == list(TABLES[name])
    assert table.empty


def test_every_column_has_a_meaning_and_every_meaning_a_column():
    assert {name for table in TABLES.values() for name in table} == set(MEANINGS)


def test_columns_of_gives_them_in_order():
    assert list(columns_of("coverage"))[:3] == ["members", "subsets", "coverage"]


def test_the_variant_a_recipe_stands_by_comes_first():
    found = sorted(["another", "literal", "", "stopped"], key=lambda variant: variant_order("distilled", variant))

    assert found == ["stopped", "literal", "", "another"]
