"""What do five small CNNs on scikit-learn's digits learn, what does their ensemble gain, and what do its students?

python docs/tutorials/digits_cnn.py && probes analyze runs/digits_cnn --out report
"""

import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy, kl_div, log_softmax, softmax

import probes
from probes.estimators import Patches, class_means, patch_components

TEMPERATURE = 2.0
pixels, labels = load_digits(return_X_y=True)
images, labels = torch.tensor(pixels / 16).float().reshape(-1, 1, 8, 8), torch.tensor(labels)
train, _, test = torch.randperm(1797, generator=torch.Generator().manual_seed(0)).split([300, 497, 1000])

patches = Patches(5, padding=2)  # what a 5 x 5 convolution sees
digits = class_means(images[train], labels[train], layout=patches)  # (feature_class, dim)
components = patch_components(images[train], components=6, layout=patches)  # (feature, dim), orthonormal
taps = {"0.weight": [probes.Tap(digits, suffix=".digits"), probes.Tap(components, suffix=".components")]}


def run(path: str, seed: int, epochs: int, *, teacher: torch.Tensor | None = None, **who: object) -> torch.Tensor:
    """Train one network, record it, and return its logits; with a teacher's logits it learns from those, too."""
    torch.manual_seed(seed)
    layers = [nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU()]
    model = nn.Sequential(*layers, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with probes.Recorder(f"{path}-{seed}", taps, **who).attach(model, optimizer) as recorder:
        for batch in [part for _ in range(epochs) for part in train[torch.randperm(300)].split(50)]:
            logits = model(images[batch])
            loss = cross_entropy(logits, labels[batch])
            if teacher is not None:
                soft, own = softmax(teacher[batch] / TEMPERATURE, 1), log_softmax(logits / TEMPERATURE, 1)
                loss = 0.1 * loss + 0.9 * TEMPERATURE**2 * kl_div(own, soft, reduction="batchmean")
            recorder.log(loss=loss)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        recorder.outputs("test", model(images[test]), labels=labels[test], ids=test)
    return model(images).detach()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="two networks, two students, 5 epochs")
    parser.add_argument("--out", default="runs/digits_cnn")
    options = parser.parse_args()
    members, students, epochs = (2, 1, 5) if options.quick else (5, 5, 60)
    ensemble = sum(run(f"{options.out}/single", seed, epochs, role="single") for seed in range(members)) / members
    parents = [f"single-{seed}" for seed in range(members)]
    means = torch.stack([ensemble[train][labels[train] == c].mean(0) for c in range(10)])[labels]  # know only the class
    for seed in range(300, 300 + students):
        run(f"{options.out}/student", seed, epochs, teacher=ensemble, role="student", parents=parents)
        run(f"{options.out}/class-mean", seed, epochs, teacher=means, role="class-mean", parents=parents)
