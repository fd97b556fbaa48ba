import pytest
import torch

from probes.directions.null import null_vectors, random_features

GENERATOR = torch.Generator().manual_seed(0)


def given(count, dim, rank=None):
    """Vectors that span ``rank`` dims, as rounded as float32 ones."""
    basis = torch.randn(rank or count, dim, generator=GENERATOR)
    return (torch.randn(count, rank or count, generator=GENERATOR) @ basis).double()


@pytest.mark.parametrize(("count", "dim", "rank"), [(3, 9, None), (4, 8, None), (6, 9, 3), (5, 12, 2)])
def test_where_there_is_room_nothing_of_the_directions_is_left(count, dim, rank):
    flat = given(count, dim, rank)
    null, orthogonal_to = null_vectors(flat, seed=1)

    assert orthogonal_to == "the directions and each other"
    torch.testing.assert_close(null @ null.T, torch.eye(count, dtype=torch.float64))
    assert float((null @ flat.T).abs().max()) < 1e-4


@pytest.mark.parametrize(("count", "dim"), [(5, 9), (9, 9)])
def test_else_they_are_orthogonal_to_each_other(count, dim):
    null, orthogonal_to = null_vectors(given(count, dim), seed=1)

    assert orthogonal_to == "each other"
    torch.testing.assert_close(null @ null.T, torch.eye(count, dtype=torch.float64))


def test_more_than_the_dim_are_drawn_independently():
    null, orthogonal_to = null_vectors(given(10, 4), seed=1)

    assert orthogonal_to == "nothing: dim 4 is too small for 10 directions"
    assert null.shape == (10, 4)
    torch.testing.assert_close(null.norm(dim=1), torch.ones(10, dtype=torch.float64))


def test_no_side_and_no_axis_is_preferred():
    draws = torch.stack([null_vectors(torch.eye(5, dtype=torch.float64)[:1], seed=seed)[0][0] for seed in range(2000)])

    assert float(draws[:, 0].abs().max()) < 1e-12
    torch.testing.assert_close(draws.mean(0), torch.zeros(5, dtype=torch.float64), atol=0.05, rtol=0)
    torch.testing.assert_close(
        draws[:, 1:].T @ draws[:, 1:] / 2000, torch.eye(4, dtype=torch.float64) / 4, atol=0.03, rtol=0
    )


@pytest.mark.parametrize(
    ("given_count", "dim", "size", "count", "words"),
    [
        (3, 60, 1, 16, "the directions and each other"),
        (3, 60, 3, 16, "the directions and each other"),
        (50, 60, 1, 10, "the directions and each other"),
        (55, 60, 1, 16, "each other"),
        (80, 20, 1, 16, "each other"),
        (50, 60, 3, 16, "each other"),
        (3, 12, 1, 9, "the directions and each other"),
        (3, 12, 2, 16, "nothing: dim 12 is too small for 32 directions"),
        (3, 2, 3, 16, "nothing: dim 2 is too small for 48 directions"),
    ],
)
def test_random_features_are_as_free_of_others_as_there_is_room_for(given_count, dim, size, count, words):
    flat = given(given_count, dim)
    features, orthogonal_to = random_features(flat, count=16, size=size, seed=1)
    vectors = features.flatten(end_dim=1)

    assert (orthogonal_to, features.shape) == (words, (count, size, dim))
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(len(vectors), dtype=torch.float64))
    if "each other" in words:
        torch.testing.assert_close(vectors @ vectors.T, torch.eye(len(vectors), dtype=torch.float64))
    if "directions and" in words:
        assert float((vectors @ flat.T).abs().max()) < 1e-4
    if size <= dim:
        expected = torch.eye(size, dtype=torch.float64).expand(count, size, size)
        torch.testing.assert_close(features @ features.mT, expected)


def test_many_directions_of_a_small_span_leave_their_room():
    features, orthogonal_to = random_features(given(80, 20, rank=5), count=16, size=1, seed=1)

    assert (len(features), orthogonal_to) == (15, "the directions and each other")


def test_a_random_feature_of_two_vectors_prefers_no_plane():
    draws = [random_features(torch.eye(4, dtype=torch.float64), count=16, size=2, seed=seed)[0] for seed in range(200)]
    vectors = torch.cat(draws).flatten(end_dim=1)

    torch.testing.assert_close(vectors.mean(0), torch.zeros(4, dtype=torch.float64), atol=0.05, rtol=0)
    torch.testing.assert_close(
        vectors.T @ vectors / len(vectors), torch.eye(4, dtype=torch.float64) / 4, atol=0.02, rtol=0
    )
