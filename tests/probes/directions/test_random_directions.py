import torch

from probes.directions import Directions

VECTORS = torch.randn(4, 2, 9, generator=torch.Generator().manual_seed(0))


def test_random_features_have_the_component_axis_its_labels_and_unit_norm():
    given = Directions(3 * VECTORS.double(), ("frequency", "phase"), labels={"phase": "cs"}, component="phase")
    random = given.random(5, seed=1)

    assert (random.names, random.component, random.labels) == (("random", "phase"), "phase", {"phase": ("c", "s")})
    assert (random.shape, random.vectors.dtype) == ((5, 2, 9), torch.float64)
    assert random.facts == {
        "estimator": "null(seed=1)",
        "null_of": given.sha256,
        "orthogonal_to": "nothing: dim 9 is too small for 10 directions",
    }
    torch.testing.assert_close(random.vectors.norm(dim=-1), torch.ones(5, 2, dtype=torch.float64))


def test_random_features_are_their_seed_and_leave_the_global_one():
    before = torch.get_rng_state()
    one, again, other = (Directions(VECTORS).random(seed=seed) for seed in (1, 1, 2))

    assert one.names == ("random",)
    assert one.sha256 == again.sha256 != other.sha256
    assert torch.equal(torch.get_rng_state(), before)
