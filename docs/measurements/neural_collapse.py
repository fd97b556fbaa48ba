"""Neural collapse of a small CNN on digits: V. Papyan, X. Y. Han and D. L. Donoho, arXiv:2008.08186 (2020).

python docs/measurements/neural_collapse.py   # writes runs/digits and neural_collapse.png
"""

import sys

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn

import probes
from probes.quantities import neural_collapse

# The task.
torch.manual_seed(0)
EPOCHS = int(sys.argv[1]) if len(sys.argv) > 1 else 200
pixels, labels = load_digits(return_X_y=True)
images, labels = torch.tensor(pixels / 16).float().reshape(-1, 1, 8, 8)[:1000], torch.tensor(labels)[:1000]
layers = []
for before, after in ((1, 16), (16, 32), (32, 64)):
    layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
model = nn.Sequential(*layers[:-1], nn.AvgPool2d(2), nn.Flatten(), nn.Linear(64, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
rates = torch.optim.lr_scheduler.MultiStepLR(optimizer, [EPOCHS // 2, 3 * EPOCHS // 4])

# What is measured.
collapse = neural_collapse("13", probes.ProbeBatch(images, labels))  # module 13 is the last layer
recorder = probes.Recorder("runs/digits", {}, quantities=[collapse], schedule=probes.logarithmic(10))
recorder.attach(model, optimizer)

# The training.
for _ in range(EPOCHS):
    for chosen in torch.randperm(1000).split(50):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images[chosen]), labels[chosen]).backward()
        optimizer.step()
    rates.step()

# The figure.
recorder.close()
series = probes.open_log("runs/digits")["neural_collapse"]  # (step, measure)
figure, panel = plt.subplots(figsize=(9, 3), layout="constrained")
panel.plot(series.steps, series[:], label=collapse.labels["measure"])
panel.set(xlabel="step", xscale="symlog", yscale="log")
figure.legend(loc="outside right upper")
figure.savefig("neural_collapse.png")
