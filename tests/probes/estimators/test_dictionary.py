import numpy as np
import pytest
import torch
from sklearn.decomposition import MiniBatchDictionaryLearning, sparse_encode

from probes.estimators import dictionary, patch_components

GENERATOR = torch.Generator().manual_seed(0)
ATOMS = torch.nn.functional.normalize(torch.randn(10, 8, generator=GENERATOR), dim=1)  # more than dims
CODES = torch.rand(1500, 10, generator=GENERATOR) * (torch.rand(1500, 10, generator=GENERATOR) < 0.1)
DATA = CODES @ ATOMS + 0.01 * torch.randn(1500, 8, generator=GENERATOR)


def found_of(found, planted):
    """The |cosine| of each planted direction with the nearest that was found, and its sign."""
    cosines = planted @ found.flat().T
    return cosines.gather(1, cosines.abs().argmax(1, keepdim=True)).squeeze(1)


@pytest.mark.parametrize("positive", [True, False])
def test_sparse_atoms_are_found_also_where_there_are_more_than_dims(positive):
    found = dictionary(DATA, features=10, positive=positive)

    assert float(found_of(found, ATOMS).min()) > 0.98  # without their absolute value: the signs are found, too
    assert found.facts["stability"] > 0.95


def test_atoms_of_equal_strength_are_told_apart_where_components_are_not():
    planted = torch.linalg.qr(torch.randn(8, 8, generator=GENERATOR))[0]
    codes = torch.rand(1000, 8, generator=GENERATOR) * (torch.rand(1000, 8, generator=GENERATOR) < 0.15)

    assert float(found_of(dictionary(codes @ planted, features=8), planted).min()) > 0.99
    assert float(found_of(patch_components(codes @ planted, components=8), planted).abs().min()) < 0.9


def test_the_atom_that_most_of_the_data_lie_along_comes_first():
    strengths = torch.tensor([1.0, 4.0, 2.0, 3.0])
    rows = torch.eye(4).repeat(100, 1) * strengths.repeat(100).unsqueeze(1)

    assert dictionary(rows, features=4).vectors.argmax(1).tolist() == [1, 3, 2, 0]


def test_the_scale_of_the_data_is_no_difference():
    one, other = (dictionary(DATA[:300] * scale, features=10, starts=1) for scale in (1.0, 2.0**10))

    torch.testing.assert_close(one.vectors, other.vectors)


@pytest.mark.parametrize("positive", [True, False])
def test_the_objective_is_no_higher_than_that_of_scikit_learn(positive):
    rows = (DATA / DATA.square().sum(1).mean().sqrt()).double().numpy()[:400]
    options = {"alpha": 0.2, "positive_code": positive}
    learned = MiniBatchDictionaryLearning(10, fit_algorithm="cd", max_iter=20, random_state=0, **options).fit(rows)
    objectives = []
    for atoms in (dictionary(rows, features=10, positive=positive).vectors.double().numpy(), learned.components_):
        codes = sparse_encode(rows, atoms, algorithm="lasso_cd", alpha=0.2, positive=positive)
        objectives.append(np.square(rows - codes @ atoms).sum() / 2 + 0.2 * np.abs(codes).sum())

    assert objectives[0] <= 1.001 * objectives[1]


@pytest.mark.parametrize(("starts", "penalty"), [(0, 0.2), (5, 0.0)])
def test_options_without_a_meaning_are_refused(starts, penalty):
    with pytest.raises(ValueError, match="expected `starts`") as refused:
        dictionary(DATA, features=2, starts=starts, penalty=penalty)

    assert str(refused.value) == (f"expected `starts` of at least 1 and `penalty` above 0, got {starts} and {penalty}")


def test_the_best_of_several_starts_goes_on():
    planted = torch.linalg.qr(torch.randn(8, 8, generator=torch.Generator().manual_seed(1)))[0]
    generator = torch.Generator().manual_seed(2)
    codes = torch.rand(600, 8, generator=generator) * (torch.rand(600, 8, generator=generator) < 0.15)
    one, several = (dictionary(codes @ planted, features=8, penalty=0.1, starts=starts) for starts in (1, 5))

    assert float(found_of(several, planted).min()) > float(found_of(one, planted).abs().min())
