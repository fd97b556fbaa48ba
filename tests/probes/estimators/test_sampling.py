import pytest
import torch

from probes.estimators import reading as module
from probes.estimators.reading import Reading
from probes.estimators.sampling import sampled

INPUTS = torch.arange(400.0).view(100, 2, 2)


def numbers(inputs=INPUTS, **options):
    """The numbers of the rows that are kept; row n holds 2 n and 2 n + 1."""
    rows = sampled(Reading(inputs), **options)
    assert torch.equal(rows.values[:, 1], rows.values[:, 0] + 1)
    return [int(first) // 2 for first in rows.values[:, 0]]


def test_all_rows_are_kept_where_there_is_room():
    assert numbers(most=200, seed=0) == numbers(most=10_000, seed=0) == list(range(200))


def test_kept_rows_stand_in_order_and_are_their_seed():
    one, again, other = (numbers(most=30, seed=seed) for seed in (1, 1, 2))

    assert one == again == sorted(set(one))
    assert len(one) == 30
    assert one != other


def test_batches_make_no_difference(monkeypatch):
    monkeypatch.setattr(module, "_VALUES_AT_ONCE", 1)

    assert numbers(INPUTS.split(7), most=9, seed=1) == numbers(most=9, seed=1)


def test_every_row_is_as_likely_as_another():
    kept = torch.tensor([numbers(INPUTS.split(20), most=20, seed=seed) for seed in range(300)])
    times = torch.bincount(kept.flatten(), minlength=200).double()

    # 30 times each on average, with a standard deviation of 5.2.
    assert float(times.min()) > 12
    assert float(times.max()) < 52
    assert abs(float(times[:100].sum()) / 3000 - 1) < 0.05


def test_memory_is_bounded_while_reading():
    held = []

    class Watched(Reading):
        def __iter__(self):
            for rows in super().__iter__():
                held.append(rows)
                yield rows

    rows = sampled(Watched(INPUTS.split(20)), most=5, seed=0)

    assert len(held) == 5
    assert len(rows.values) == 5


def test_no_row_at_all_is_refused():
    with pytest.raises(ValueError, match=r"^expected at least one row to keep, got `most` 0$"):
        numbers(most=0, seed=0)
