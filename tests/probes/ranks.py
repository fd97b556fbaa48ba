"""Trainings of two processes, and what each of them saw.

What shards is imported where it is used: the process that runs the tests does without it, and its warnings.
"""

import os
from contextlib import nullcontext
from datetime import timedelta

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from probes.directions import Directions
from probes.errors import UsageError
from probes.quantities import gradient
from probes.schedules import every
from tests.probes.training import DIRECTIONS, network, recorder

SIZE = 2


def of_two(rank, root):
    """Everything that a process has to show, in a file of its own."""
    start = {"rank": rank, "world_size": SIZE, "timeout": timedelta(seconds=60)}
    distributed.init_process_group("gloo", init_method=f"file://{root}/meeting", **start)
    shown = {name: scenario(rank, root / name) for name, scenario in SCENARIOS.items()}
    torch.save(shown, root / f"rank-{rank}")
    distributed.destroy_process_group()
    os._exit(0)  # on a busy machine torch's threads now and then abort a process that ends while they do


def plain():
    model, _ = network()
    model[2] = torch.nn.Identity()
    return model


def sgd(parameters):
    return torch.optim.SGD(parameters, lr=0.1, momentum=0.9)


def part(parameter):
    """What a process holds of a parameter, by a way of its own."""
    return getattr(parameter, "to_local", parameter.detach)().detach().clone()


def train(model, optimizer, seed, *, attached=None, steps=4):
    """The parts of the first weight before every update and after the last."""
    weight = optimizer.param_groups[0]["params"][0]
    parts = [part(weight)]
    for step in range(steps):
        optimizer.zero_grad()
        inputs = torch.randn(8, 6, generator=torch.Generator().manual_seed(100 * step + seed))
        loss = model(inputs).square().mean()
        loss.backward()
        if attached:
            attached.log(loss=loss)
        optimizer.step()
        parts.append(part(weight))
    return torch.stack(parts)


def with_and_without(rank, path, prepare, *, seed=None, **options):
    """The parts of a recorded training, and those of a bare one."""
    found = []
    for record in (True, False):
        model, optimizer = prepare(plain())
        attached = recorder(path, **options).attach(model, optimizer) if record else None
        with attached or nullcontext():
            found.append(train(model, optimizer, rank if seed is None else seed, attached=attached))
    return found


def data_parallel(model):
    model = DistributedDataParallel(model)
    return model, sgd(model.parameters())


def fully_sharded(model):
    from torch.distributed.fsdp import fully_shard

    mesh = distributed.init_device_mesh("cpu", (SIZE,))
    for layer in (model[0], model):
        fully_shard(layer, mesh=mesh)
    return model, sgd(model.parameters())


def tensor_parallel(model):
    from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

    plan = {"0": ColwiseParallel(), "3": RowwiseParallel()}
    model = parallelize_module(model, distributed.init_device_mesh("cpu", (SIZE,)), plan)
    return model, sgd(model.parameters())


def gone_on_with(rank, path):
    """A training that is cut off after its checkpoint and resumed from it."""
    model, optimizer = data_parallel(plain())
    with recorder(path).attach(model, optimizer) as cut:
        train(model, optimizer, rank, steps=2)
        state = cut.state_dict()
        train(model, optimizer, rank, steps=3)
    distributed.barrier()
    again = recorder(path, resume=True).attach(model, optimizer)
    again.load_state_dict(state)
    with again:
        train(model, optimizer, rank)
    return state["step"]


def diverging(rank, path):
    """Of a sharded model: the process that writes ends its log, and goes on with the gathering."""
    model, optimizer = fully_sharded(plain())
    with recorder(path, on_error="warn").attach(model, optimizer) as attached:
        train(model, optimizer, rank, steps=2)
        with torch.no_grad():
            model[0].weight.to_local().fill_(torch.nan)
        train(model, optimizer, rank, steps=34)  # two blocks of rows
        return attached.updates


def evaluated_first(rank, path):
    """`fully_shard` leaves the outermost parameters whole after a forward pass without a backward pass."""
    model, optimizer = fully_sharded(plain())
    model(torch.ones(1, 6))
    with recorder(path, {"3.weight": Directions(torch.eye(4))}).attach(model, optimizer):
        train(model, optimizer, rank)


def refusal(rank, path):
    model, optimizer = fully_sharded(plain())
    try:
        recorder(path, schedule=every(1 + rank)).attach(model, optimizer)
    except UsageError as error:
        return str(error)
    return "none"


PULL = {"quantities": [gradient("0.weight", DIRECTIONS)]}
SCENARIOS = {
    "data-parallel": lambda rank, path: with_and_without(rank, path, data_parallel),
    "fully-sharded": lambda rank, path: with_and_without(rank, path, fully_sharded, **PULL),
    "tensor-parallel": lambda rank, path: with_and_without(rank, path, tensor_parallel, seed=0),
    "apart": lambda rank, path: with_and_without(rank, path / f"rank-{rank}", data_parallel),
    "gone-on-with": gone_on_with,
    "diverging": diverging,
    "evaluated-first": evaluated_first,
    "refusal": refusal,
}
