import pandas as pd
from click.testing import CliRunner
from rich.console import Console

from probes.analysis.theory.findings.claims import COLUMNS
from probes.cli import main, tables
from probes.cli.frame_text import cells, claims_for_people
from probes.cli.tables import show

REASON = "the study has no run, or no evaluation, to measure it by"


def claim(name, holds, measured=0.5):
    row = {"claim": name, "source": "Theorem 1", "expected_low": 0.0, "expected_high": 1.0, "measured": measured}
    return row | {"low": 0.4, "high": 0.6, "n": 3, "holds": holds, "variant": "", "note": ""}


def table(**left_out):
    found = pd.DataFrame([claim("a", holds=True), claim("b", holds=False)], columns=list(COLUMNS))
    found.attrs["left_out"] = left_out
    return found


def test_claims_that_were_not_measured_stand_below_those_that_were():
    shown = claims_for_people(table(**{"average.gain_mu": REASON}))

    assert shown[""].tolist() == ["holds", "FAILS", "not measured"]
    assert shown.iloc[2].tolist() == [
        "not measured", "average.gain_mu", "", "Section 1; Section 2.1, Figure 1", "-1 to 0.05", "", "", ""
    ]  # fmt: skip


def test_a_small_value_keeps_its_digits_beside_its_interval():
    small = pd.DataFrame([claim("a", holds=True, measured=0.00034567)], columns=list(COLUMNS))

    assert claims_for_people(small)["measured"].tolist() == ["0.000346"]


def test_verdicts_have_colours_in_a_terminal_and_words_everywhere(monkeypatch, capsys):
    show(*cells(claims_for_people(table())))
    plain = capsys.readouterr().out
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(tables, "console", lambda: Console(force_terminal=True, color_system="standard", width=200))
    show(*cells(claims_for_people(table())))
    coloured = capsys.readouterr().out

    assert ("holds" in plain, "FAILS" in plain, "\x1b" in plain) == (True, True, False)
    assert ("\x1b[32mholds" in coloured, "\x1b[1;31mFAILS" in coloured) == (True, True)


def test_the_command_says_why_a_claim_was_not_measured(tiny_root, tmp_path):
    [run] = [path for path in tiny_root.iterdir() if path.name.startswith("single-00")]
    result = CliRunner().invoke(main, ["claims", str(run)])

    assert f"average.gain_mu: not measured: {REASON}" in result.stdout.splitlines()
