import sys

import pytest
import torch

from probes.errors import UsageError
from probes.learners.images.digits import handwritten_digits
from probes.learners.images.images import Images
from probes.learners.images.scenes import Glyphs


def test_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    raw, digits = load_digits(), handwritten_digits()

    assert (digits.inputs[:, 0] * 16).tolist() == raw.images.tolist()
    assert digits.labels.tolist() == raw.target.tolist()


def test_digits_without_scikit_learn_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    message = (
        "expected scikit-learn, whose handwritten digits are used, got none; install it with `pip install "
        r"feature-probes\[real\]`"
    )
    with pytest.raises(UsageError, match=f"^{message}$"):
        handwritten_digits()


@pytest.mark.parametrize(
    ("shape", "labels", "message"),
    [
        ((3, 8, 8), [0, 1, 1], r"expected `inputs` \(sample, channel, height, width\), got shape \(3, 8, 8\)"),
        ((2, 1, 8, 8), [0, 1, 1], "expected a label and an id for each of 2 images, got 3 labels and 3 ids"),
        ((3, 1, 8, 8), [0, 1, 2], "expected `labels` of 0 to 1, got 0 to 2"),
        ((3, 1, 8, 8), [0, 1, -1], "expected `labels` of 0 to 1, got -1 to 1"),
    ],
)
def test_what_does_not_fit_is_refused(shape, labels, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        Images(torch.zeros(shape), torch.tensor(labels), ("a", "b", "c"), 2)


def test_a_class_with_one_picture_makes_no_scenes():
    with pytest.raises(ValueError, match=r"^expected at least 2 pictures of each class, got \[2, 1\]$"):
        Glyphs(torch.zeros(2, 3, 8, 8), torch.tensor([2, 1]))
