import numpy as np
import pytest

from probes.quantities import alignment, update_size
from probes.schedules import every
from tests.probes.recording.test_resuming import cut_off, go_on, uninterrupted

pytestmark = pytest.mark.usefixtures("own_random_numbers")

REMEMBERING = {
    "alignment to the start": lambda schedule: alignment("0.weight", "start", k=2, schedule=schedule),
    "alignment to the last look": lambda schedule: alignment("0.weight", "last", k=2, schedule=schedule),
    "update_size": lambda schedule: update_size("0.weight", dims=("neuron",), schedule=schedule),
}


@pytest.mark.parametrize("schedule", [None, every(5)])
@pytest.mark.parametrize("name", REMEMBERING)
def test_a_quantity_that_remembers_is_resumed_to_the_bit(tmp_path, path, name, schedule):
    def quantities():
        return [REMEMBERING[name](schedule)]

    checkpoint = cut_off(path, quantities=quantities())
    resumed = go_on(path, checkpoint, 18, attach_first=False, quantities=quantities())
    whole = uninterrupted(tmp_path / "whole" / path.name, quantities=quantities())

    series = quantities()[0].name
    np.testing.assert_array_equal(resumed[series].steps, whole[series].steps)
    np.testing.assert_array_equal(resumed[series][:], whole[series][:])
    assert len(np.unique(whole[series][:], axis=0)) > 5
