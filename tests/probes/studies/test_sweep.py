import hashlib
import json

import pytest

from probes.schedules import every
from probes.studies.recipe_files import built_in
from probes.studies.sweep import changed, points_of
from probes.studies.tables import as_mapping
from tests.probes.studies.sweeps import SMALL, SWEEP


def test_every_choice_meets_every_seed():
    found = [(point.values["network.q"], point.recipe.network.q, point.recipe.seed) for point in SWEEP.points]
    assert found == [(3, 3, 0), (3, 3, 1), (4, 4, 0), (4, 4, 1)]


def test_a_point_is_named_by_its_specification_alone():
    renamed = points_of(changed(SMALL, {"name": "other", "network.q": 4}), [{}], [1])
    assert renamed[0].name == f"seed-1-{SWEEP.points[3].name}"
    assert len({point.name for point in SWEEP.points}) == 4


@pytest.mark.parametrize("kept", [{"schedule": every(1)}, {"weights": True}])
def test_what_is_kept_is_part_of_the_name(kept):
    assert points_of(SMALL, [{"network.q": 3}], [0], **kept)[0].name != SWEEP.points[0].name


def test_the_same_specification_is_one_point():
    assert len(points_of(SMALL, [{"network.q": 3}, {"network.q": 3}, {}], [0])) == 1


def test_an_impossible_value_is_refused_with_its_place():
    line = (
        "expected `patches` >= 10 (own views and 3.3 features of other classes on average), got 3: raise patches or "
        "lower sparsity (at network.q = 4, data.patches = 3)"
    )
    with pytest.raises(ValueError, match="expected `patches`") as error:
        points_of(built_in("tiny"), [{"network.q": 4, "data.patches": 3}], [0])
    assert str(error.value) == line


def test_points_that_record_all_are_named_as_before_there_was_a_choice():
    plain, own = (points_of(built_in("tiny"), [{"network.q": 3}], [0], own_class=own)[0] for own in (False, True))
    specification = {**as_mapping(plain.recipe), "name": "", "schedule": "every(50)", "weights": False}
    assert plain.name == hashlib.sha256(json.dumps(specification, sort_keys=True).encode()).hexdigest()[:12]
    assert own.name != plain.name
