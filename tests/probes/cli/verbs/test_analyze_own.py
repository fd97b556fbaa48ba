"""`probes analyze` on networks of one's own, recorded in a few lines: any tap, outputs, students."""

import json

import pytest
import torch
from click.testing import CliRunner

import probes
from probes.cli import main


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two runs and a student of both, each with a tap under names of its user's own, and outputs."""
    root = tmp_path_factory.mktemp("own")
    for seed, (role, parents) in enumerate([("", ()), ("", ()), ("pupil", ("seed-0", "seed-1"))]):
        record(root / f"seed-{seed}", seed, role=role, parents=parents)
    return root


def record(path, seed, **who):
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(64, 6, generator=generator)
    labels = (inputs[:, 0] > 0).long()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = torch.nn.Sequential(torch.nn.Linear(6, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    directions = probes.Directions(torch.eye(6), names=("pixel",))
    recorder = probes.Recorder(path, {"0.weight": directions}, **who)
    with recorder.attach(model, optimizer):
        for _ in range(30):
            loss = torch.nn.functional.cross_entropy(model(inputs), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            recorder.log(loss=loss)
    test = torch.randn(50, 6, generator=torch.Generator().manual_seed(9))
    recorder.outputs("test", model(test).detach(), labels=(test[:, 0] > 0).long())


def analyze(*words):
    return CliRunner().invoke(main, ["analyze", *map(str, words)])


def test_own_runs_have_a_report_with_the_three_questions(root, tmp_path):
    result = analyze(root, "--out", tmp_path)
    written = {path.name for path in tmp_path.iterdir()}

    assert result.exit_code == 0, result.output
    assert {"report.html", "winners.png", "coverage.csv", "growth.svg", "outputs.csv", "scalars.png"} <= written
    assert "What ensembles of K members err" in result.stdout
    assert "claims" not in result.stdout


def test_features_carry_the_users_own_axis_in_every_format(root):
    tables = json.loads(analyze(root, "--json").stdout)

    assert {row["pixel"] for row in tables["learned"]} == set(range(6))
    assert {row["kind"] for row in tables["summary"]} == {"member", "student"}


def test_members_and_students_can_be_named(root):
    tables = json.loads(analyze(root, "--members", "seed-[012]", "--json").stdout)

    assert max(row["members"] for row in tables["coverage"]) == 3


def test_a_tap_is_chosen_by_its_name(root):
    assert analyze(root, "--tap", "0.weight").exit_code == 0

    result = analyze(root, "--tap", "9.weight")
    assert result.exit_code == 1
    assert result.stderr == "probes: expected a tap called `9.weight`, one of 0.weight; name it as recorded\n"


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ("excess", "expected --rule KEY=NUMBER with KEY one of share, margin, window, excess, got 'excess'"),
        ("most=2", "expected --rule KEY=NUMBER with KEY one of share, margin, window, excess, got 'most=2'"),
        (
            "excess=0.5",
            "expected `share` and `window` in (0, 1] and `margin` and `excess` >= 1, got 0.25, 0.1, 2.0 and 0.5",
        ),
    ],
)
def test_a_rule_that_is_none_is_refused_in_one_line(root, rule, line):
    result = analyze(root, "--rule", rule)

    assert result.exit_code == 2
    assert line in result.stderr


def test_a_stricter_rule_finds_fewer_features(root):
    counts = [
        sum(row["learned"] for row in json.loads(analyze(root, "--rule", rule, "--json").stdout)["learned"])
        for rule in ("excess=1", "excess=1.5", "excess=9")
    ]

    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == 0


def test_claims_are_for_studies_of_the_theory(root):
    result = CliRunner().invoke(main, ["claims", str(root)])

    assert result.exit_code == 1
    assert result.stderr == (
        f"probes: expected a study whose claims can be measured under {root}, got none of its runs: "
        "`probes record theory` records one\n"
    )


def test_columns_that_no_row_has_are_not_printed(root):
    printed = analyze(root, "--members", "seed-[01]").stdout

    assert "predicted_coverage" in printed
    assert "expected" not in printed
    assert "variant" not in printed
