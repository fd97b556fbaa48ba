from pathlib import Path

import numpy as np
import pytest
from tests.probes.log.runs import closed

from probes.errors import LogError
from probes.log.evaluation import Evaluation, write_evaluation
from probes.log.verification.checks import check_arrays, check_segment, said

HERE = Path("file")


def raising(error):
    def check():
        yield "note", "before"
        raise error

    return check


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (FileNotFoundError("away"), ("gone", "away")),
        (LogError("refused `file`"), ("fault", "refused `file`")),
        (OverflowError("too large"), ("fault", "`file`: checking it ended with OverflowError: too large")),
    ],
    ids=repr,
)
def test_whatever_ends_a_check_is_said_after_what_came_before(error, told):
    assert list(said(HERE, raising(error))) == [("note", "before"), told]


def test_a_lack_of_memory_ends_the_process():
    with pytest.raises(MemoryError, match=r"^$"):
        list(said(HERE, raising(MemoryError())))


def test_a_run_whose_description_is_taken_away_is_gone():
    (told,) = said(HERE, lambda: check_segment(Path("away/log.h5")))

    assert told == ("gone", "[Errno 2] No such file or directory: 'away/run.json'")


def test_a_segment_tells_what_other_files_are_held_against(tmp_path):
    path = closed(tmp_path / "seed-0").path / "log.h5"

    assert list(check_segment(path)) == [("part", ("log.h5", 0, 50, 0, 125, -1))]


def test_arrays_of_any_size_are_read_chunk_by_chunk(tmp_path):
    arrays = {"large": np.random.default_rng(0).random((2000, 300)), "one": np.float64(1), "none": np.empty((0, 3))}
    write_evaluation(tmp_path, Evaluation(arrays, {"mu": 0.5}))

    assert list(check_arrays(tmp_path / "evaluation.h5")) == []
