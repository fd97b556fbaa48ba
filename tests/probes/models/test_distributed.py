from types import SimpleNamespace

import numpy as np
import pytest
import torch

from probes import open_log
from probes.errors import UsageError
from probes.models import Parameters
from probes.models.distributed import check_gatherable, is_writer
from tests.probes.ranks import SIZE, of_two
from tests.probes.training import DIRECTIONS, network, recorder


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """Where two processes have trained in every way, and what each of them saw."""
    root = tmp_path_factory.mktemp("together")
    torch.multiprocessing.spawn(of_two, (root,), nprocs=SIZE)
    return SimpleNamespace(root=root, seen=[torch.load(root / f"rank-{rank}") for rank in range(SIZE)])


def correlations(weights):
    return np.einsum("snd,fvd->snfv", weights.numpy(), DIRECTIONS.vectors.numpy())


SHARDED = [
    pytest.param("fully-sharded", marks=pytest.mark.situation("FSDP2 (fully_shard)", "works")),
    pytest.param("tensor-parallel", marks=pytest.mark.situation("Tensor parallelism (DTensor)", "works")),
]


@pytest.mark.parametrize("way", ["data-parallel", *SHARDED])
def test_training_together_is_the_same_to_the_bit_with_a_recorder(together, way):
    for seen in together.seen:
        assert torch.equal(*seen[way])


@pytest.mark.situation("DistributedDataParallel", "works")
def test_what_processes_have_in_common_is_recorded_once(together):
    log, (recorded, _) = open_log(together.root / "data-parallel"), together.seen[0]["data-parallel"]

    np.testing.assert_allclose(log["0.weight"][:], correlations(recorded), atol=1e-6)
    assert log.scalars().index.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("way", SHARDED)
def test_what_processes_hold_parts_of_is_recorded_whole(together, way):
    recorded = torch.cat([seen[way][0] for seen in together.seen], dim=1)  # axes (step, neuron, dim)

    assert recorded.shape[1:] == network()[0][0].weight.shape
    np.testing.assert_allclose(open_log(together.root / way)["0.weight"][:], correlations(recorded), atol=1e-6)


def test_a_gradient_of_which_processes_hold_parts_is_recorded_whole(together):
    log = open_log(together.root / "fully-sharded")
    moved = np.diff(log["0.weight"][:], axis=0)  # of SGD with a momentum of 0.9
    moved[1:] -= 0.9 * moved[:-1]

    np.testing.assert_allclose(log["0.weight.gradient"][1:], -10 * moved, rtol=1e-4, atol=1e-5)


def test_only_the_first_process_touches_the_disk(together):
    assert [path.name for path in (together.root / "apart").iterdir()] == ["rank-0"]


def test_processes_go_on_together_from_a_checkpoint(together):
    log = open_log(together.root / "gone-on-with")

    assert [seen["gone-on-with"] for seen in together.seen] == [2, 2]
    assert (log.steps.tolist(), log.manifest.attempts, log.faults) == (list(range(7)), (2,), ())


def test_a_sharded_training_whose_log_has_ended_does_not_stand_still(together):
    assert [seen["diverging"] for seen in together.seen] == [36, 36]
    assert open_log(together.root / "diverging").manifest.reason == "`0.weight` is not finite at step 3"


def test_a_sharded_model_may_be_evaluated_before_it_is_recorded(together):
    assert open_log(together.root / "evaluated-first").steps.tolist() == [0, 1, 2, 3, 4]


def test_sharded_parameters_are_not_recorded_by_different_schedules(together):
    expected = (
        "expected the same taps, schedule and step in every process, as all take part in reading sharded parameters, "
        "got (['0.weight', '0.weight.null'], 'every(1)', 0) at rank 0 and (['0.weight', '0.weight.null'], 'every(2)', "
        "0) at rank 1"
    )

    assert [seen["refusal"] for seen in together.seen] == [expected, expected]


class FullyShardedDataParallel(torch.nn.Module):
    """Has the name of torch's, which can be made on an accelerator alone."""


@pytest.mark.situation("FSDP1 (FullyShardedDataParallel)", "refused")
@pytest.mark.parametrize("marked", [False, True])
def test_flattened_parameters_are_refused(path, marked):
    model, optimizer = network()
    model[0].weight._fsdp_flattened = marked  # as torch marks the parameters of the module inside
    if not marked:
        model.append(FullyShardedDataParallel())
    with pytest.raises(UsageError) as error:
        recorder(path).attach(model, optimizer)

    assert str(error.value) == (
        "expected a model whose parameters can be read, got one of FullyShardedDataParallel, which flattens "
        "parameters; shard it with `torch.distributed.fsdp.fully_shard`"
    )


@pytest.mark.situation("DeepSpeed", "refused")
def test_weights_that_deepspeed_keeps_to_itself_are_refused():
    engine = type("DeepSpeedEngine", (torch.nn.Module,), {})()
    with pytest.raises(UsageError) as error:
        check_gatherable(engine)

    assert str(error.value) == (
        "expected a model whose parameters can be read, got one of DeepSpeedEngine, which keeps the weights that are "
        "updated to itself; train with DDP or `fully_shard`"
    )


@pytest.mark.situation("activation checkpointing", "works")
def test_the_name_of_a_checkpointed_layer_is_the_layers():
    from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper

    model, _ = network()
    parameters = Parameters(torch.nn.Sequential(checkpoint_wrapper(model[0]), model[3]))

    assert list(parameters) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert torch.equal(parameters["0.weight"], model[0].weight)


def test_who_trains_alone_writes():
    assert is_writer()
