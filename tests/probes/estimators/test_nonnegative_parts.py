import sys

import pytest
import torch

from probes.errors import UsageError
from probes.estimators import nonnegative_parts

GENERATOR = torch.Generator().manual_seed(0)
PARTS = torch.nn.functional.normalize(torch.eye(4).repeat_interleave(3, 1) * torch.rand(12, generator=GENERATOR), dim=1)
CODES = torch.rand(500, 4, generator=GENERATOR) * (torch.rand(500, 4, generator=GENERATOR) < 0.5)


def test_parts_that_add_up_are_found():
    found = nonnegative_parts(CODES @ PARTS, features=4)

    assert float(found.vectors.min()) >= 0
    assert float((PARTS @ found.flat().T).amax(1).min()) > 0.99
    assert found.facts["stability"] > 0.99


def test_more_parts_than_dims_start_at_random():
    found = nonnegative_parts(torch.rand(60, 3, generator=GENERATOR), features=5)

    assert found.shape == (5, 3)


def test_negative_data_are_refused():
    reason = r"^expected data >= 0 for a non-negative factorisation, got negative values; see `dictionary`$"

    with pytest.raises(ValueError, match=reason):
        nonnegative_parts(CODES @ PARTS - 1e-3, features=4)


def test_without_scikit_learn_one_line_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.decomposition", None)

    with pytest.raises(UsageError, match="expected scikit-learn") as refused:
        nonnegative_parts(CODES, features=2)

    assert str(refused.value) == (
        "expected scikit-learn for `nonnegative_parts`, got none (import of sklearn.decomposition halted; None in "
        "sys.modules): pip install 'feature-probes[real]'"
    )
