import json

import pandas as pd
import pytest
from click.testing import CliRunner

from probes.analysis.theory.findings.claims import claims
from probes.cli import main
from probes.schedules import every
from probes.studies.recipe_files import built_in, override
from probes.studies.sweep import over_seeds
from probes.studies.sweep_record import waiting_points

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


@pytest.fixture(scope="module")
def pooled(recorded):
    return rows(recorded[0])


def test_each_seed_is_a_whole_study_in_a_folder_of_its_own(recorded):
    root, result = recorded
    assert (result.exit_code, result.stdout) == (0, f"{root}\n")
    folders = sorted(path for path in root.iterdir() if path.is_dir())
    assert [path.name[:7] for path in folders] == ["seed-4-", "seed-5-", "seed-6-"]
    assert all(len(list(path.glob("single-*/weights.safetensors"))) == 3 for path in folders)


def test_more_seeds_are_recorded_beside_those_that_are_finished(recorded):
    root, _ = recorded
    result = probes("record", "tiny", *SETTINGS, "--seed", 4, "--seeds", 3, "--out", root)
    assert result.stderr == f"{root}: 3 points, all finished before\n"
    recipe = override(built_in("tiny"), dict(setting.split("=") for setting in FEW))
    sweep = over_seeds(recipe, range(4, 9), schedule=every(1))
    assert [point.recipe.seed for point in waiting_points(sweep, root)] == [7, 8]


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


def test_pooled_claims_are_means_over_seeds_and_count_the_verdicts_of_each(recorded, pooled):
    each = [claims(path).set_index(["claim", "variant"]) for path in sorted(recorded[0].glob("seed-*"))]
    for row in pooled:
        known = [table.loc[row["claim"], row["variant"]] for table in each]
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


def test_the_exit_code_is_that_of_the_pooled_claims(recorded, pooled):
    first = {row["claim"]: row["verdict"] for row in reversed(pooled)}
    assert probes("claims", recorded[0], "--by", "seed").exit_code == (3 if "fails" in first.values() else 0)


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


def test_studies_over_seeds_are_not_thrown_together_beside_another(recorded, tmp_path):
    result = probes("analyze", recorded[0], tmp_path)
    line = (
        f"expected studies to set side by side, got a sweep or a study over seeds in {recorded[0]}: analyse it by "
        "itself, or name the folders of its points"
    )
    assert result.exit_code == 2
    assert line in " ".join(result.stderr.split())


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


def test_the_report_has_pooled_claims_and_each_seed_a_click_away(recorded, pooled, tmp_path):
    result = probes("analyze", recorded[0], "--out", tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert result.exit_code == 0
    assert {"claims.png", "seeds.csv", "seeds.svg", "measures.csv"} <= {path.name for path in tmp_path.iterdir()}
    assert page.count("<summary>Each seed</summary>") == len(pooled)
    assert page.count('<tr><td class="figure">5</td>') == len(pooled)
