import h5py
import numpy as np
import pytest
from tests.probes.log.runs import closed

from probes.errors import LogError
from probes.log import Evaluation, open_log, read_evaluation
from probes.log.writing import write_evaluation

ARRAYS = {
    "class_view_moment": np.random.default_rng(0).random((3, 2)),
    "training/logits": np.random.default_rng(1).normal(size=(40, 3)).astype("f4"),
    "training/labels": np.arange(40) % 3,
    "training/view": np.empty(0, np.int64),
    "one": np.array(2.5),
}
ATTRS = {"mu": 0.25, "step": 100, "note": "größe", "empty": ""}


def test_an_evaluation_survives_its_file(tmp_path):
    write_evaluation(tmp_path, Evaluation(ARRAYS, ATTRS))
    read = read_evaluation(tmp_path)

    assert read.attrs == ATTRS
    assert read.arrays.keys() == ARRAYS.keys()
    for name, values in ARRAYS.items():
        np.testing.assert_array_equal(read.arrays[name], values, strict=True)


def test_a_run_without_evaluation_has_none(tmp_path):
    assert read_evaluation(tmp_path) is None


def test_a_log_sees_an_evaluation_that_comes_later(tmp_path):
    log = closed(tmp_path / "seed-0")
    assert log.evaluation is None
    write_evaluation(log.path, Evaluation({}, {"mu": 0.5}))

    assert log.evaluation.attrs == {"mu": 0.5}
    assert open_log(log.path).evaluation.attrs == {"mu": 0.5}


def test_a_later_evaluation_takes_the_place_of_the_first(tmp_path):
    write_evaluation(tmp_path, Evaluation(ARRAYS, ATTRS))
    write_evaluation(tmp_path, Evaluation({}, {"mu": 0.5}))

    assert read_evaluation(tmp_path).arrays == {}


def test_an_array_without_numbers_is_refused(tmp_path):
    with pytest.raises(TypeError, match=r"^expected numbers in array `names`, got dtype <U1$"):
        write_evaluation(tmp_path, Evaluation({"names": np.array(["a"])}))

    assert list(tmp_path.iterdir()) == []


def test_a_group_that_holds_itself_is_refused(tmp_path):
    write_evaluation(tmp_path, Evaluation(ARRAYS, ATTRS))
    with h5py.File(tmp_path / "evaluation.h5", "a") as file:
        file["training/again"] = file["training"]
    with pytest.raises(LogError, match="of a run, got `/training/again`, which has another name, too; move it away"):
        read_evaluation(tmp_path)


def test_groups_to_which_ever_more_ways_lead_are_refused_at_the_first(tmp_path):
    write_evaluation(tmp_path, Evaluation(ARRAYS, ATTRS))
    with h5py.File(tmp_path / "evaluation.h5", "a") as file:
        group = file
        for _ in range(40):
            group["b"] = group.create_group("a")
            group = group["a"]
    with pytest.raises(LogError, match=r"of a run, got `/a/a/.*/b`, which has another name, too; move it away"):
        read_evaluation(tmp_path)


def test_an_array_in_another_file_is_refused(tmp_path):
    write_evaluation(tmp_path, Evaluation(ARRAYS, ATTRS))
    with h5py.File(tmp_path / "evaluation.h5", "a") as file:
        file["training/more"] = h5py.ExternalLink("/etc/passwd", "x")
    with pytest.raises(LogError, match="got `more`, a link to elsewhere; move it away"):
        read_evaluation(tmp_path)
