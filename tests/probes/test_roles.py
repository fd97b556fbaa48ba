import copy
import gc
import subprocess
import sys

import pytest
import torch
from torch import nn

import probes
from probes.log.layout import RUN_ID
from probes.roles import RUN_ID as OWN
from probes.roles import description_of, descriptions
from tests.repository.sources import ROOT


def test_a_model_is_given_back_as_it_is():
    model = nn.Linear(3, 2)
    before = copy.deepcopy(model.state_dict())

    assert probes.role(model, "teacher", name="teacher-0") is model
    assert set(vars(model)) == set(vars(nn.Linear(3, 2)))
    assert all(torch.equal(model.state_dict()[name], value) for name, value in before.items())


def test_what_is_stated_last_counts():
    teacher, student = nn.Linear(3, 2), nn.Linear(3, 2)
    probes.role(student, "teacher", name="a")
    probes.role(student, "student", parents=[teacher, "seed-0"])
    described = description_of(student)

    assert (described.role, described.name) == ("student", "")
    assert described.parents == (description_of(teacher), "seed-0")


def test_a_model_is_not_kept_alive():
    probes.role(nn.Linear(3, 2), "gone")
    gc.collect()

    assert "gone" not in {described.role for _, described in descriptions()}


def test_a_name_of_a_run_is_one_of_the_logs():
    assert OWN == RUN_ID


MISUSES = {
    "no module": (TypeError, lambda: probes.role("model"), "expected a torch.nn.Module, got str"),
    "a class": (TypeError, lambda: probes.role(nn.Linear), "expected a torch.nn.Module, got type"),
    "a name": (
        ValueError,
        lambda: probes.role(nn.Linear(3, 2), name="a/b"),
        "expected `name` of letters, digits, `.`, `_` and `-`, got 'a/b'",
    ),
    "one parent": (
        TypeError,
        lambda: probes.role(nn.Linear(3, 2), parents=nn.Sequential()),
        "expected `parents` as a list of models or run ids, got one Sequential",
    ),
    "one id": (
        TypeError,
        lambda: probes.role(nn.Linear(3, 2), parents="seed-0"),
        "expected `parents` as a list of models or run ids, got one str",
    ),
    "a path": (
        ValueError,
        lambda: probes.role(nn.Linear(3, 2), parents=["runs/seed-0"]),
        "expected in `parents` ids of letters, digits, `.`, `_` and `-`, got 'runs/seed-0'",
    ),
    "a number": (TypeError, lambda: probes.role(nn.Linear(3, 2), parents=[3]), "expected a torch.nn.Module, got int"),
}


@pytest.mark.parametrize("case", MISUSES)
def test_what_is_no_model_or_name_is_refused(case):
    kind, act, text = MISUSES[case]
    with pytest.raises(kind) as caught:
        act()

    assert str(caught.value) == text


def test_it_loads_nothing_heavy():
    code = "import sys; from probes import role; print({'torch', 'numpy', 'pandas', 'h5py'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert found == "set()\n"
