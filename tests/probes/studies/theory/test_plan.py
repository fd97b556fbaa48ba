import pytest

from probes.log.layout import RUN_ID
from probes.studies.recipe_files import built_in, override
from probes.studies.theory.plan import plan, seeds_of

TINY = built_in("tiny")


def runs(recipe, role, variant=""):
    return [run for phase in plan(recipe) for run in phase.runs if (run.role, run.variant) == (role, variant)]


def test_a_study_has_the_runs_its_recipe_asks_for():
    counts = [(phase.name, len(phase.runs), phase.steps) for phase in plan(TINY)]
    assert counts == [
        ("single", 3, 150),
        ("distilled stopped", 2, 150),
        ("distilled literal", 2, 150),
        ("self-distilled continued", 2, 60),
        ("self-distilled fresh", 2, 150),
        ("average", 1, 150),
    ]


def test_run_ids_are_plain_and_unlike():
    ids = [run.run_id for phase in plan(TINY) for run in phase.runs]
    assert len(set(ids)) == len(ids)
    assert all(RUN_ID.fullmatch(name) for name in ids)


def test_students_of_the_ensemble_have_all_singles_as_teachers_and_seeds_of_their_own():
    singles, students = runs(TINY, "single"), runs(TINY, "distilled", "stopped")
    assert {student.parents for student in students} == {tuple(run.run_id for run in singles)}
    assert not {seeds_of(run.seeds) for run in singles} & {seeds_of(run.seeds) for run in students}


def test_both_updates_start_from_the_same_initialisations():
    seeds = [[run.seeds for run in runs(TINY, "distilled", update)] for update in ("stopped", "literal")]
    assert seeds[0] == seeds[1]


def test_form_a_continues_one_single_and_learns_from_another():
    for run in runs(TINY, "self_distilled", "continued"):
        assert run.continues in {single.run_id for single in runs(TINY, "single")}
        assert run.continues not in run.parents


@pytest.mark.parametrize("single", [2, 3, 4, 7, 16])
def test_no_two_runs_of_form_a_have_the_same_two_networks_and_the_first_share_none(single):
    recipe = override(TINY, {"runs.single": str(single), "runs.self_distilled": "200"})
    pairs = [{run.continues, *run.parents} for run in runs(recipe, "self_distilled", "continued")]
    assert len({frozenset(pair) for pair in pairs}) == len(pairs) == single * (single - 1) // 2
    assert single % 2 or len(set().union(*pairs[: single // 2])) == single
    assert len(runs(recipe, "self_distilled", "fresh")) == 200


def test_the_average_starts_from_the_singles_initialisations():
    (average,) = runs(TINY, "average")
    assert seeds_of(average.seeds) == tuple(run.seeds["init-00"] for run in runs(TINY, "single"))


def test_a_run_is_named_by_all_that_its_result_depends_on():
    names = {run.run_id for run in runs(TINY, "single")}
    other_teaching = override(TINY, {"distilled.steps": "7"})
    assert {run.run_id for run in runs(other_teaching, "single")} == names
    assert not {run.run_id for run in runs(other_teaching, "distilled", "stopped")} & {
        run.run_id for run in runs(TINY, "distilled", "stopped")
    }
    for change in ({"data.sparsity": "1.5"}, {"network.q": "4"}, {"training.steps": "9"}, {"seed": "1"}):
        assert not {run.run_id for run in runs(override(TINY, change), "single")} & names


def test_runs_keep_their_names():
    assert [phase.runs[0].run_id for phase in plan(built_in("tiny"))] == [
        "single-00-25c0d51a",
        "distilled-stopped-00-bbc0ca97",
        "distilled-literal-00-3c1fcbc4",
        "self_distilled-continued-00-5cd37e9c",
        "self_distilled-fresh-00-a09a061d",
        "average-00-96bb8635",
    ]


OPTIMIZERS = [{"optimizer": "adam"}, {"momentum": "0.5"}, {"batch_size": "9"}]


@pytest.mark.parametrize("settings", OPTIMIZERS, ids=str)
def test_a_studys_optimizer_trains_and_names_runs_of_every_role(settings):
    other = override(TINY, {f"training.{key}": value for key, value in settings.items()})
    assert {phase.training.optimizer for phase in plan(other)} == {other.training.rule}
    ids = [{run.run_id for phase in plan(recipe) for run in phase.runs} for recipe in (TINY, other)]
    assert not ids[0] & ids[1]


def test_only_an_update_that_is_a_sum_over_terms_has_forces():
    batches = override(TINY, {"training.batch_size": "9"})
    momentum = override(TINY, {"training.momentum": "0.5"})
    assert [phase.training.has_forces for phase in plan(batches)] == [
        phase.training.teaching is not None for phase in plan(batches)
    ]
    assert not any(phase.training.has_forces for phase in plan(momentum))


def test_roles_without_runs_have_no_phase():
    alone = override(TINY, {"runs.distilled": "0", "runs.self_distilled": "0", "runs.average": "0"})
    assert [phase.name for phase in plan(alone)] == ["single"]
