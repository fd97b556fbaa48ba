import pytest
import torch


@pytest.fixture
def own_random_numbers():
    with torch.random.fork_rng(devices=[]):
        yield


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run"
