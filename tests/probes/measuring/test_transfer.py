import types

import pytest
import torch

from probes.errors import UsageError
from probes.measuring.transfer import Lane, lane_of, refuse_capture


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_what_has_no_streams_has_no_lane(device):
    assert lane_of(torch.device(device)) is None


def test_a_device_whose_module_knows_no_graphs_captures_none():
    module = types.SimpleNamespace(Stream=lambda device: None)
    assert not Lane(torch.device("cpu"), module).capturing()


def test_a_captured_update_is_refused_in_one_line():
    line = (
        "expected updates that are made, got one that a CUDA graph captures, whose replays nobody tells of; attach "
        "without an optimizer, and call `step` after each replay"
    )
    with pytest.raises(UsageError, match=f"^{line}$"):
        refuse_capture()
