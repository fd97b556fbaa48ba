import json

import pandas as pd
import pytest
from click.testing import CliRunner

from probes.analysis.theory.findings.claims import claims
from probes.cli import main

FEW = ("training.steps=40", "distilled.steps=20", "runs.self_distilled=0", "measuring.test_samples=40")
SETTINGS = [word for setting in FEW for word in ("--set", setting)]


def probes(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The tiny study at three seeds from 4 on, its folder, and what recording it said."""
    root = tmp_path_factory.mktemp("seeds") / "runs"
    return root, probes("record", "tiny", *SETTINGS, "--seed", 4, "--seeds", 3, "--out", root)


def rows(*words):
    return json.loads(probes("claims", *words, "--json").stdout)


def test_each_seed_is_a_whole_study_in_a_folder_of_its_own(recorded):
    root, result = recorded
    assert (result.exit_code, result.stdout) == (0, f"{root}\n")
    folders = sorted(path for path in root.iterdir() if path.is_dir())
    assert [path.name[:7] for path in folders] == ["seed-4-", "seed-5-", "seed-6-"]
    assert all(len(list(path.glob("single-*/weights.safetensors"))) == 3 for path in folders)


def test_more_seeds_are_recorded_beside_those_that_are_finished(recorded, tmp_path):
    first = probes("record", "tiny", *SETTINGS, "--seed", 4, "--seeds", 1, "--out", tmp_path)
    more = probes("record", "tiny", *SETTINGS, "--seed", 4, "--seeds", 2, "--out", tmp_path)
    assert first.exit_code == more.exit_code == 0
    assert ": 2 points (1 finished before)" in more.stderr


def test_seeds_are_recorded_by_what_records_sweeps(tmp_path):
    words = ("record", "tiny", *SETTINGS, "--seeds", 2, "--out", tmp_path)
    assert probes(*words, "--workers", 2, "--executor", "a:b").stderr == (
        "probes: expected --workers or --executor, got both: a:b has workers of its own\n"
    )


def test_a_sweep_has_its_seeds_in_its_file(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("base = 'tiny'\n[grid]\nnetwork.q = [3, 4]\n")
    result = probes("record", file, "--seeds", 3)
    assert (result.exit_code, result.stderr) == (2, f"probes: expected seeds in {file}, as `seeds = 3`, got --seeds\n")


def test_pooled_claims_are_means_over_seeds_and_count_the_verdicts_of_each(recorded):
    root, _ = recorded
    pooled = {(row["claim"], row["variant"]): row for row in rows(root)}
    each = [claims(path).set_index(["claim", "variant"]) for path in sorted(root.glob("seed-*"))]
    for key, row in pooled.items():
        known = [table.loc[key] for table in each]
        assert row["measured"] == pytest.approx(sum(one["measured"] for one in known) / 3)
        assert row["low"] is None or row["low"] <= row["measured"] <= row["high"]
        counts = [sum(one["verdict"] == verdict for one in known) for verdict in ("holds", "open", "fails")]
        assert [row["seeds_hold"], row["seeds_open"], row["seeds_fail"], row["n"]] == [*counts, 3]


def test_by_seed_each_has_the_rows_of_its_own_study(recorded):
    root, _ = recorded
    found = rows(root, "--by", "seed")
    for seed in (4, 5, 6):
        [folder] = root.glob(f"seed-{seed}-*")
        own = [{name: value for name, value in row.items() if name != "seed"} for row in found if row["seed"] == seed]
        assert own == rows(folder)


def test_the_table_has_spread_and_counts_in_columns_of_their_own(recorded):
    result = probes("claims", recorded[0])
    assert {"spread", "seeds", "hold/open/fail"} <= set(result.stdout.splitlines()[0].split())
    assert "would fail by chance, were every claim true." in result.stdout


def test_the_exit_code_is_that_of_the_pooled_claims(recorded):
    pooled = {row["claim"]: row["verdict"] for row in reversed(rows(recorded[0]))}
    expected = 3 if "fails" in pooled.values() else 0
    assert {probes("claims", recorded[0], *by).exit_code for by in ((), ("--by", "seed"))} == {expected}


def test_a_study_of_one_seed_has_no_rows_by_seed(recorded):
    [folder] = recorded[0].glob("seed-4-*")
    result = probes("claims", folder, "--by", "seed")
    line = f"probes: expected --by seed with studies over seeds, got none under {folder}\n"
    assert (result.exit_code, result.stderr) == (2, line)


def test_claims_of_a_sweep_are_not_thrown_together(tmp_path):
    (tmp_path / "sweep.csv").write_text("point,network.q,seed,status,seconds,diverged,path,error\n")
    result = probes("claims", tmp_path)
    line = (
        "probes: expected a study, or studies that differ in their seed alone, got a sweep of network.q in "
        f"{tmp_path}: name the folder of a point, or `probes analyze` the sweep\n"
    )
    assert (result.exit_code, result.stderr) == (2, line)


def test_a_seed_that_is_not_finished_is_named_and_hides_no_other(recorded, tmp_path):
    for path in recorded[0].glob("seed-*"):
        (tmp_path / path.name).symlink_to(path)
    table = pd.read_csv(recorded[0] / "sweep.csv", dtype=str, keep_default_na=False)
    table.loc[table["seed"] == "5", ["status", "error"]] = ["failed", "no room"]
    table.to_csv(tmp_path / "sweep.csv", index=False)
    result = probes("claims", tmp_path, "--json")
    assert {row["n"] for row in json.loads(result.stdout)} == {2}
    assert "probes: seed 5: no room" in result.stderr.splitlines()
    assert result.exit_code == 1


def test_the_report_has_pooled_claims_and_each_seed_a_click_away(recorded, tmp_path):
    result = probes("analyze", recorded[0], "--out", tmp_path)
    page = (tmp_path / "report.html").read_text()
    pooled = len(rows(recorded[0]))
    assert result.exit_code == 0
    assert {"claims.png", "seeds.csv", "seeds.svg", "measures.csv"} <= {path.name for path in tmp_path.iterdir()}
    assert page.count("<summary>Each seed</summary>") == pooled
    assert page.count('<tr><td class="figure">5</td>') == pooled
