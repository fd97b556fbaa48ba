"""Key frequencies of modular addition, in the weights of the first layer: N. Nanda et al., arXiv:2301.05217 (2023).

python docs/measurements/key_frequencies.py   # writes runs/addition and key_frequencies.png
"""

import sys

import matplotlib.pyplot as plt
import torch
from torch.nn.functional import cross_entropy, one_hot

import probes

# The task.
torch.manual_seed(0)
P, STEPS = 37, int(sys.argv[1]) if len(sys.argv) > 1 else 500
a, b = torch.cartesian_prod(torch.arange(P), torch.arange(P)).T
inputs, labels = torch.cat([one_hot(a, P), one_hot(b, P)], dim=1).float(), (a + b) % P
train = torch.randperm(P * P)[:1095]
model = torch.nn.Sequential(torch.nn.Linear(2 * P, 40), torch.nn.ReLU(), torch.nn.Linear(40, P))
optimizer = torch.optim.AdamW(model.parameters(), lr=0.02, weight_decay=1)

# What is measured.
waves = probes.Directions.fourier(P, dim=2 * P)  # of the first number
recorder = probes.Recorder("runs/addition", {"0.weight": waves}).attach(model, optimizer)

# The training.
for _ in range(STEPS):
    optimizer.zero_grad()
    cross_entropy(model(inputs[train]), labels[train]).backward()
    optimizer.step()

# The figure.
recorder.close()
series = probes.open_log("runs/addition")["0.weight"]  # (step, neuron, frequency, phase)
strengths = (series[:] ** 2).sum(axis=(1, 3)) ** 0.5
figure, panel = plt.subplots(figsize=(9, 3), layout="constrained")
image = panel.pcolormesh(range(STEPS + 1), range(1, P // 2 + 1), strengths.T, vmin=0)
panel.set(xlabel="step", ylabel="frequency", yticks=range(1, P // 2 + 1, 2))
figure.colorbar(image, label="norm over neurons and phases")
figure.savefig("key_frequencies.png")
