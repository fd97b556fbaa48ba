"""What each of two processes of a distributed training does; an assertion that fails there fails the test."""

import os

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from tests.probes.compat.rows import backward, every_update, network

RANKS = 2


def start(folder):
    """Train in a process for each rank."""
    torch.multiprocessing.spawn(_rank, args=(folder,), nprocs=RANKS)


def _rank(rank, folder):
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/ranks", rank=rank, world_size=RANKS)
    try:
        sharded_optimizer(rank, folder / "sharded")
        compiled_and_parallel(rank, folder / "compiled")
    finally:
        distributed.destroy_process_group()
    os._exit(0)  # on a busy machine torch's threads now and then abort a process that ends while they do


def sharded_optimizer(rank, path):
    """Each rank updates a part of the parameters and sends it to the other."""
    from torch.distributed.optim import ZeroRedundancyOptimizer  # warns where warnings are errors

    model = network()
    running = DistributedDataParallel(model)
    optimizer = ZeroRedundancyOptimizer(model.parameters(), torch.optim.Adam, lr=0.1)
    with every_update(path, model, optimizer, attached_to=running) as kept:
        for batch in range(4):
            optimizer.zero_grad()
            backward(running, RANKS * batch + rank)
            optimizer.step()
            kept()


def compiled_and_parallel(rank, path):
    """A compiled model inside a parallel one: two prefixes of the names."""
    model = network()
    running = DistributedDataParallel(torch.compile(model, backend="eager"))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with every_update(path, model, optimizer, attached_to=running) as kept:
        for batch in range(4):
            optimizer.zero_grad()
            backward(running, RANKS * batch + rank)
            optimizer.step()
            kept()
