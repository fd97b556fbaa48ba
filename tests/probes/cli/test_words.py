import pytest

from probes.cli.program_arguments import program_in

WITH_VALUE = {"--out", "--tap", "-m"}
NONE = []


@pytest.mark.parametrize(
    ("line", "program"),
    [
        ("train.py", ["train.py"]),
        ("train.py --help -o x --out y", ["train.py", "--help", "-o", "x", "--out", "y"]),
        ("--out runs train.py -- -m x", ["train.py", "--", "-m", "x"]),
        ("--out=runs train.py", ["train.py"]),
        ("--out other.py train.py", ["train.py"]),
        ("--force --tap a=b.npy ./src/train.py theory", ["./src/train.py", "theory"]),
        ("-m package.train --out x", ["-m", "package.train", "--out", "x"]),
        ("--force -mpackage.train -m y", ["-m", "package.train", "-m", "y"]),
        ("--out runs -- train.py --out x", ["train.py", "--out", "x"]),
        ("-m package.train.py", ["-m", "package.train.py"]),
        ("", NONE),
        ("--help", NONE),
        ("-m", NONE),
        ("theory", NONE),
        ("theory --out runs train.py", NONE),
        ("mine.toml --set a=b", NONE),
        ("-- theory", NONE),
        ("- train.py", NONE),
        ("--out train.py", NONE),
    ],
)
def test_a_program_is_found_and_all_that_follows_is_its_own(line, program):
    own, found = program_in(line.split(), WITH_VALUE)

    assert found == program
    assert own == line.split()[: len(own)]


def test_what_stands_before_the_program_is_left():
    words = ["--force", "--out", "runs", "train.py", "--force"]

    assert program_in(words, WITH_VALUE) == (words[:3], words[3:])
