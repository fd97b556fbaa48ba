import pytest

from probes.files.text import cell, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("seed-0", "seed-0"),
        ("naïve 学 \N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}", "naïve 学 \N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}"),
        ("\x1b[2J", r"\x1b[2J"),
        ("a\nb\rc\td", r"a\nb\rc\td"),
        ("\x9b31m", r"\x9b31m"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}gpj", r"\u202egpj"),
        ("caf\udce9", r"caf\udce9"),
    ],
)
def test_signs_that_a_terminal_would_obey_are_escaped(text, shown):
    assert printable(text) == shown


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-cmd", "@SUM(A1)", "\t=1", "\r=1", "-1+1", "=", "-0x10"])
def test_a_formula_stands_behind_an_apostrophe(text):
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-0.5", "+3", "-1e-05", "1.", "-.5", "-inf", "nan", "seed-0", "", "a=b"])
def test_numbers_and_words_stay(text):
    assert cell(text) == text
