import numpy as np
import pytest
import torch

from probes.errors import UsageError
from probes.quantities import State, effective_rank, spectrum, stable_rank

CHANCE = torch.Generator().manual_seed(0)
WEIGHT = torch.randn(5, 3, 2, 2, generator=CHANCE)
RANK_ONE = torch.outer(torch.arange(1.0, 5), torch.arange(1.0, 7))
ZEROS = torch.zeros(3, 4)


def values_of(weight):
    """From the eigenvalues of W W', in float64."""
    flat = weight.flatten(1).double().numpy()
    return np.sqrt(np.clip(np.linalg.eigvalsh(flat @ flat.T)[::-1][: min(flat.shape)], 0, None))


def test_the_spectrum_is_that_of_numpy():
    np.testing.assert_allclose(spectrum("w")(State(0, {"w": WEIGHT})), values_of(WEIGHT), rtol=1e-5)
    np.testing.assert_allclose(spectrum("w", largest=2)(State(0, {"w": WEIGHT})), values_of(WEIGHT)[:2], rtol=1e-5)


def test_of_a_matrix_of_rank_one_the_first_value_is_its_norm_and_the_others_are_zero():
    values = spectrum("w")(State(0, {"w": RANK_ONE}))

    torch.testing.assert_close(values, torch.tensor([float(RANK_ONE.norm()), 0, 0, 0]), atol=1e-4, rtol=1e-6)


def test_ranks_are_what_their_definitions_say():
    values = values_of(WEIGHT)
    shares = values / values.sum()
    entropy = -sum(share * np.log(share) for share in shares)

    assert float(effective_rank("w")(State(0, {"w": WEIGHT}))) == pytest.approx(np.exp(entropy), rel=1e-5)
    assert float(stable_rank("w")(State(0, {"w": WEIGHT}))) == pytest.approx(
        sum(value**2 for value in values) / max(values) ** 2, rel=1e-5
    )


@pytest.mark.parametrize("rank", [effective_rank, stable_rank])
@pytest.mark.parametrize(("weight", "expected"), [(torch.eye(4), 4), (RANK_ONE, 1), (ZEROS, 0), (1e-30 * RANK_ONE, 1)])
def test_ranks_of_known_matrices(rank, weight, expected):
    assert float(rank("w")(State(0, {"w": weight}))) == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("quantity", [spectrum, effective_rank, stable_rank])
def test_each_entry_of_leading_axes_is_a_matrix_of_its_own(quantity):
    heads = torch.randn(3, 4, 6, generator=CHANCE)
    values = quantity("w", dims=("head",))(State(0, {"w": heads}))

    assert quantity("w", dims=("head",)).dims[0] == "head"
    torch.testing.assert_close(values, torch.stack([quantity("w")(State(0, {"w": head})) for head in heads]))


def test_more_values_than_there_are_are_refused():
    expected = "expected `largest` from 1 to 5, the singular values of `w` of shape (5, 3, 2, 2), got 6"
    with pytest.raises(UsageError) as raised:
        spectrum("w", largest=6)(State(0, {"w": WEIGHT}))

    assert str(raised.value) == expected


def test_a_parameter_of_one_axis_has_no_spectrum():
    with pytest.raises(UsageError, match=r"^expected `bias` of 2 axes or more, got shape \(4,\); choose a weight"):
        effective_rank("bias")(State(0, {"bias": torch.ones(4)}))
