"""Which frequencies does a network that learns a + b mod 59 win, what do several cover, and what does teaching add?

python docs/tutorials/modular_addition.py && probes analyze runs/modular_addition --out report
"""

import argparse

import torch
from torch.nn.functional import cross_entropy, kl_div, log_softmax, normalize, one_hot, softmax

import probes

P, WIDTH, TEMPERATURE = 59, 48, 2.0
a, b = torch.cartesian_prod(torch.arange(P), torch.arange(P)).T
inputs, labels = torch.cat([one_hot(a, P), one_hot(b, P)], 1).float(), (a + b) % P
train, test = torch.randperm(P * P, generator=torch.Generator().manual_seed(0)).split([2436, 1045])  # 70 %

numbers = torch.arange(1, P // 2 + 1)
angles = 2 * torch.pi * torch.outer(numbers, torch.arange(P)) / P
waves = normalize(torch.stack([angles.cos(), angles.sin()], 1), dim=2)  # (frequency, phase, a)
vectors, names = torch.nn.functional.pad(waves, (0, P)), ("frequency", "phase")  # over a alone, 0 for b
frequencies = probes.Directions(vectors, names, labels={"frequency": [f"{n}" for n in numbers]}, component="phase")


def run(path: str, seed: int, steps: int, *, teacher: torch.Tensor | None = None, **who: object) -> torch.Tensor:
    """Train one network, record it, and return its logits; with a teacher's logits it learns from those, too."""
    torch.manual_seed(seed)
    first, last = torch.nn.Linear(2 * P, WIDTH, bias=False), torch.nn.Linear(WIDTH, P, bias=False)
    model = torch.nn.Sequential(first, torch.nn.ReLU(), last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02, weight_decay=1)
    recorder = probes.Recorder(f"{path}-{seed}", {first: frequencies}, schedule=probes.every(20), **who)
    with recorder.attach(model, optimizer):
        for _ in range(steps):
            logits = model(inputs[train])
            loss = cross_entropy(logits, labels[train])
            if teacher is not None:
                soft, own = softmax(teacher[train] / TEMPERATURE, 1), log_softmax(logits / TEMPERATURE, 1)
                loss = 0.1 * loss + 0.9 * TEMPERATURE**2 * kl_div(own, soft, reduction="batchmean")
            recorder.log(loss=loss)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        logits = model(inputs).detach()
        recorder.outputs("test", logits[test], labels=labels[test], ids=test)
    return logits


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="two networks, two students, 100 steps")
    parser.add_argument("--out", default="runs/modular_addition")
    options = parser.parse_args()
    members, students, steps = (2, 1, 100) if options.quick else (8, 4, 3000)
    ensemble = sum(run(f"{options.out}/single", seed, steps, role="single") for seed in range(members)) / members
    parents = [f"single-{seed}" for seed in range(members)]
    means = torch.stack([ensemble[train][labels[train] == c].mean(0) for c in range(P)])[labels]  # know only the class
    for seed in range(100, 100 + students):
        run(f"{options.out}/student", seed, steps, teacher=ensemble, role="student", parents=parents)
        run(f"{options.out}/class-mean", seed, steps, teacher=means, role="class-mean", parents=parents)
