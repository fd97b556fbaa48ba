import pytest
import torch

from probes.estimators.classes import checked_classes


def test_classes_are_called_as_given_else_by_their_numbers():
    assert checked_classes(torch.tensor([1, 2, 3]), ["cat", "dog", "owl"]) == ("cat", "dog", "owl")
    assert checked_classes(torch.tensor([1, 2, 3]), None) == ("0", "1", "2")


@pytest.mark.parametrize(
    ("count", "names", "message"),
    [
        ([4], None, "expected samples of at least two classes, got labels up to 0"),
        ([4, 0, 2, 0, 1], None, "expected samples of every class from 0 to 4, got none of class 1"),
        ([4, 2], ["cat"], "expected 2 `class_names`, got 1"),
    ],
)
def test_classes_that_are_missing_are_refused(count, names, message):
    with pytest.raises(ValueError, match="expected") as refused:
        checked_classes(torch.tensor(count), names)

    assert str(refused.value) == message
