"""Order parameters of a soft committee machine and its teacher: D. Saad and S. A. Solla, PRE 52, 4225 (1995).

python docs/measurements/order_parameters.py   # writes runs/pair and order_parameters.png
"""

import sys

import matplotlib.pyplot as plt
import torch

import probes
from probes.quantities import overlaps

# The pair.
torch.manual_seed(0)
DIM, UNITS, STEPS = 200, 3, int(sys.argv[1]) if len(sys.argv) > 1 else 8000
teacher, student = (torch.nn.Linear(DIM, UNITS, bias=False) for _ in range(2))
torch.nn.init.orthogonal_(teacher.weight)
torch.nn.init.normal_(student.weight, std=0.03 / DIM**0.5)
optimizer = torch.optim.SGD(student.parameters(), lr=0.03)

# What is measured.
quantities = [overlaps("weight"), overlaps("weight", teacher)]  # Q and R
recorder = probes.Recorder("runs/pair", {}, quantities=quantities, schedule=probes.every(10))
recorder.attach(student, optimizer)

# The training.
for _ in range(STEPS):
    inputs = torch.randn(10, DIM)
    outputs, targets = (torch.erf(layer(inputs) / 2**0.5).sum(1) for layer in (student, teacher))
    optimizer.zero_grad()
    (outputs - targets.detach()).square().mean().div(2).backward()
    optimizer.step()

# The figure.
recorder.close()
log = probes.open_log("runs/pair")
figure, panels = plt.subplots(1, 2, figsize=(9, 3), sharey=True, layout="constrained")
for panel, (name, letter) in zip(panels, {"weight.teacher_overlaps": "R", "weight.overlaps": "Q"}.items(), strict=True):
    panel.plot(log[name].steps, log[name][:].reshape(len(log[name].steps), -1))
    panel.set(xlabel="step", title=f"{letter}: {name}")
figure.savefig("order_parameters.png")
