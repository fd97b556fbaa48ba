from dataclasses import replace
from itertools import combinations

import pytest
import torch

from probes.learners.samples import MULTI_VIEW
from probes.studies.recipe_files import built_in
from probes.studies.theory.material import Material
from probes.studies.theory.plan import plan, seeds_of


def shown(samples, view):
    """Which features the first samples of a kind show, own ones aside, (sample, feature)."""
    kind = samples.view == MULTI_VIEW if view == MULTI_VIEW else samples.view != MULTI_VIEW
    return (samples.coefficients > 0).any(1)[kind][:4]


@pytest.mark.parametrize("seed", [0, 1, 50])
def test_no_two_sample_sets_of_a_study_show_the_same_features(seed):
    material = Material(replace(built_in("tiny"), seed=seed))
    training = material.training
    sets = [shown(training, MULTI_VIEW), shown(training, 0)]
    sets += [shown(material.multi_view_test(20)[0], MULTI_VIEW), shown(material.single_view_test(20)[0], 0)]
    assert not any(torch.equal(one, other) for one, other in combinations(sets, 2))


def test_no_two_sample_sets_of_a_study_share_noise():
    material = Material(built_in("theory-gaussian"))
    designs = [material.multi_view_test(20)[1].design, material.single_view_test(20)[1].design]
    basis = material.features.flatten(0, 1)
    one, other = ((each - each @ basis.T @ basis).flatten(0, 1) for each in designs)
    assert torch.cosine_similarity(one, other).abs().max() < 0.4  # of 500 pairs in 360 dimensions; seven deviations


def test_no_two_runs_of_neighbouring_studies_start_alike():
    plans = [plan(replace(built_in("theory"), seed=seed)) for seed in range(30)]
    again = ("average", "distilled literal", "self-distilled continued")  # they start where others do
    runs = [run for phases in plans for phase in phases if phase.name not in again for run in phase.runs]
    seeds = [seeds_of(run.seeds) for run in runs]
    assert len(set(seeds)) == len(seeds)


def test_members_of_an_average_start_where_the_singles_do():
    phases = {phase.name: phase.runs for phase in plan(built_in("theory"))}
    (average,) = phases["average"]
    members = list(seeds_of(average.seeds))
    assert members == [run.seeds["init-00"] for run in phases["single"]][: len(members)]
