"""Names, roles and parents of runs, by the options and by what the script states."""

import gc

import pytest
import torch
from torch import nn

import probes
from probes.log.manifest import read_manifest
from tests.probes.launch.training import loss_of, network, train

pytestmark = pytest.mark.usefixtures("own_random_numbers")


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=0.1)


def stated(root):
    """Run -> name, role and parents."""
    found = {path.parent.name: read_manifest(path.parent) for path in root.glob("*/run.json")}
    return {run: (one.name, one.role, one.parents) for run, one in found.items()}


def test_one_model_has_the_name_that_was_given(watched, root):
    watch, _ = watched(name="seed-3", role="student", parents=("seed-0", "seed-1"))
    model = network()
    train(model, sgd(model))
    watch.end()

    assert stated(root) == {"seed-3": ("seed-3", "student", ("seed-0", "seed-1"))}


def test_of_models_trained_at_once_each_has_its_own_after_it(watched, root):
    watch, _ = watched(name="seed-3")
    models = [network(), network(), nn.Linear(6, 2)]
    optimizers = [sgd(model) for model in models]
    for model, optimizer in zip(models, optimizers, strict=True):
        loss_of(model).backward()
        optimizer.step()
    watch.end()

    assert set(stated(root)) == {"seed-3-Sequential-00", "seed-3-Sequential-01", "seed-3-Linear-00"}


def test_of_models_one_after_another_the_first_has_the_name_alone(watched, root):
    watch, _ = watched(name="seed-3")
    for model in (network(), network(), nn.Linear(6, 2)):
        loss_of(model).backward()
        sgd(model).step()
    watch.end()

    assert set(stated(root)) == {"seed-3", "seed-3-Sequential-01", "seed-3-Linear-00"}


@pytest.mark.situation("`probes record`: teachers and students of one script, with `probes.role`", "works")
@pytest.mark.parametrize("dropped", [False, True])
def test_a_student_has_its_teachers_as_parents(dropped, watched, root):
    watch, said = watched(role="other", parents=("given",))
    teachers = [probes.role(network(), "teacher", name=f"teacher-{seed}") for seed in range(2)]
    for teacher in teachers:
        train(teacher, sgd(teacher))
    student = probes.role(network(), "student", name="student-0", parents=[*teachers, "elsewhere"])
    if dropped:
        del teachers, teacher
        gc.collect()
    train(student, sgd(student))
    plain = nn.Linear(6, 2)
    loss_of(plain).backward()
    sgd(plain).step()
    watch.end()

    assert stated(root) == {
        "teacher-0": ("teacher-0", "teacher", ()),
        "teacher-1": ("teacher-1", "teacher", ()),
        "student-0": ("student-0", "student", ("teacher-0", "teacher-1", "elsewhere")),
        "Linear-00": ("", "other", ("given",)),
    }
    assert len(said) == 1


def test_the_name_that_was_given_stands_before_the_scripts_own(watched, root):
    watch, _ = watched(name="seed-3")
    teacher = probes.role(network(), name="teacher")
    train(teacher, sgd(teacher))
    student = probes.role(network(), name="student", parents=[teacher])
    train(student, sgd(student))
    watch.end()

    assert stated(root) == {
        "seed-3-teacher": ("seed-3-teacher", "", ()),
        "seed-3-student": ("seed-3-student", "", ("seed-3-teacher",)),
    }


def test_a_name_that_is_stated_twice_is_numbered(watched, root):
    watch, _ = watched()
    for _ in range(3):
        model = probes.role(network(), name="net")
        train(model, sgd(model))
    watch.end()

    assert set(stated(root)) == {"net", "net-01", "net-02"}


def test_a_parent_that_has_no_run_is_left_out_and_said(watched, root):
    watch, said = watched()
    student = probes.role(network(), name="student", parents=[nn.Linear(6, 2), "student", "seed-0"])
    train(student, sgd(student))
    watch.end()

    assert said[:-1] == [
        "student: a parent, the model Linear, has no run so far; it is left out",
        "student: a parent is the run itself; it is left out",
    ]
    assert stated(root)["student"] == ("student", "", ("seed-0",))


def test_a_role_that_is_stated_after_the_first_update_has_no_effect_and_is_said(watched, root):
    watch, said = watched()
    model = network()
    train(model, sgd(model))
    probes.role(model, "late")
    watch.end()

    assert said[0] == "Sequential-00: `probes.role` has no effect after the first update of the model"
    assert stated(root) == {"Sequential-00": ("", "", ())}


@pytest.mark.parametrize("wrap", [nn.DataParallel, lambda model: torch.compile(model, backend="eager")])
def test_a_wrapper_is_as_its_model(wrap, watched, root):
    watch, _ = watched()
    inner = network()
    teacher = probes.role(wrap(inner), "teacher", name="teacher")
    train(inner, torch.optim.SGD(teacher.parameters(), lr=0.1))
    for seed, parent in enumerate((inner, teacher)):
        student = probes.role(network(), name=f"student-{seed}", parents=[parent])
        train(student, sgd(student))
    watch.end()

    assert {run: parents for run, (*_, parents) in stated(root).items()} == {
        "teacher": (),
        "student-0": ("teacher",),
        "student-1": ("teacher",),
    }


def test_models_that_one_module_holds_become_runs_of_their_own_where_the_script_names_them(watched, root):
    watch, _ = watched()
    members = nn.ModuleList([network(), network()])
    for seed, member in enumerate(members):
        probes.role(member, name=f"seed-{seed}")
    optimizer = sgd(members)
    for batch in range(3):
        optimizer.zero_grad()
        sum(loss_of(member, batch) for member in members).backward()
        optimizer.step()
    watch.end()

    assert set(stated(root)) == {"seed-0", "seed-1"}
    assert [len(probes.open_log(root / run).steps) for run in ("seed-0", "seed-1")] == [4, 4]


def test_a_run_in_the_way_of_several_ends_the_program_before_its_first_update(watched, root):
    for attempt in range(2):
        watch, said = watched(name="seed-3")
        models = [network(), network()]
        optimizers = [sgd(model) for model in models]
        loss_of(models[0]).backward()
        if attempt:
            with pytest.raises(SystemExit, match=r"^1$"):
                optimizers[0].step()
        else:
            optimizers[0].step()
        watch.end()

    assert said == [
        f"expected no run at `{root}/seed-3-Sequential-00`, got one; name another directory, go on with it "
        "(resume=True), or overwrite it (--force, overwrite=True); the program ends before its first update"
    ]
