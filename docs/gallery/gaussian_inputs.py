"""Gaussian inputs, labelled by a random network: do ensembles err less, or vary less? Figure 7 of the paper.

python docs/gallery/gaussian_inputs.py            # thirty settings, three seeds each, into runs/gaussian_inputs
python docs/gallery/gaussian_inputs.py --decay    # four weight decays of three learners
Each writes a table of all, and two figures, beside the runs; runs that are there are not trained again. Source: Z.
Allen-Zhu and Y. Li (2023), https://arxiv.org/abs/2012.09816, full version. Axes: n = sample, i = class, s = network.
"""

import argparse
import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from scipy import special, stats
from torch import Tensor, nn

import probes
from probes.analysis import Study

DIM, CLASSES, TRAINING, TEST, BATCH, RATE, KERNEL = 32, 10, 2000, 5000, 100, 0.003, 5
SINGLE, AVERAGES, MEMBERS = 10, 2, 5
NO_GAIN = 0.01  # a gain in test error of at most so much counts as none
TEACHERS = {"linear": 32, "fully connected": 32, "residual": 32, "convolutional": 8}  # neurons of their layers
LEARNERS = {"fully connected": 64, "residual": 32, "convolutional": 8}
MEASURES = ("error", "gain", "variance_ratio", "peak", "null_peak")
ENDS = (("low", -1), ("high", 1))
COLOURS = {"ensemble": "C0", "average": "C1"}


@dataclasses.dataclass(frozen=True)
class Setting:
    """What is learned by which network; weight decay is the best for single networks among 0, 0.3, 1 and 3."""

    teacher: str
    student: str
    inputs: str = "gaussian"  # or "mixture", of 20 Gaussians with centres from N(0, I)
    margin: float = 0.0  # only inputs whose two largest outputs differ by more, in standard deviations of an output
    label_noise: float = 0.0  # share of the training labels that are replaced by another class
    decay: float = 1.0


PAIRS = [(kind, "fully connected" if kind == "linear" else kind) for kind in TEACHERS]
KINDS = [(*pair, 0.3 if pair[1] == "convolutional" else 1.0) for pair in PAIRS]
KINDS += [("convolutional", "fully connected", 1.0)]
EASE = [(0.0, 0.0), (0.3, 0.0), (0.0, 0.1)]  # margin and label noise
SETTINGS = [
    Setting(teacher, learner, inputs, *ease, decay)
    for ease, (teacher, learner, decay), inputs in itertools.product(EASE, KINDS, ("gaussian", "mixture"))
]
DECAYS = [Setting(*pair, decay=decay) for decay, pair in itertools.product((0.0, 0.3, 1.0, 3.0), PAIRS[:3])]


class Residual(nn.Module):
    r"""A linear layer, a block :math:`h \mathrel{+}= B\,ReLU(A h)`, and a linear layer on ReLU(h)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.inner, self.outer = nn.Linear(DIM, width), nn.Linear(width, width), nn.Linear(width, width)
        self.last = nn.Linear(width, CLASSES)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the outputs, ``(sample, class)``."""
        hidden = self.first(inputs)
        return self.last((hidden + self.outer(self.inner(hidden).relu())).relu())


class Average(nn.ModuleList):
    """The average of some networks, trained as one."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the outputs, ``(sample, class)``."""
        return torch.stack([network(inputs) for network in self]).mean(0)


def network(kind: str, width: int) -> nn.Module:
    """Return a network, weights from N(0, 2/fan-in), biases 0."""
    made = {
        "linear": lambda: nn.Sequential(nn.Linear(DIM, CLASSES)),
        "fully connected": lambda: nn.Sequential(nn.Linear(DIM, width), nn.ReLU(), nn.Linear(width, CLASSES)),
        "residual": lambda: Residual(width),
        "convolutional": lambda: nn.Sequential(
            nn.Unflatten(1, (1, DIM)),
            nn.Conv1d(1, width, KERNEL, padding=KERNEL // 2, padding_mode="circular"),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(width * DIM, CLASSES),
        ),
    }[kind]()
    for name, parameter in made.named_parameters():
        nn.init.zeros_(parameter) if name.endswith("bias") else nn.init.kaiming_normal_(parameter)
    return made


class Labelled:
    """Inputs and the random network that labels them by its largest output, each of mean 0 and variance 1."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.network = network(setting.teacher, TEACHERS[setting.teacher]).requires_grad_(False)
        self.centres = torch.randn(20, DIM)
        outputs = self.network(self.drawn(8192))
        self.mean, self.spread = outputs.mean(0), outputs.std(0)

    def drawn(self, count: int) -> Tensor:
        """Return inputs, whatever their margin."""
        around = torch.randn(count, DIM)
        mixed = (self.centres[torch.randint(20, (count,))] + around) / 2**0.5
        return mixed if self.setting.inputs == "mixture" else around

    def sample(self, count: int) -> tuple[Tensor, Tensor]:
        """Return inputs beyond the margin, with their labels."""
        inputs = self.drawn(20 * count)
        outputs = (self.network(inputs) - self.mean) / self.spread
        first, second = outputs.sort(dim=1, descending=True)[0][:, :2].unbind(1)
        chosen = (first - second > self.setting.margin).nonzero().flatten()[:count]
        return inputs[chosen], outputs[chosen].argmax(1)

    def directions(self, inputs: Tensor, labels: Tensor, width: int) -> probes.Directions:
        """Return what a learner's first layer may find: the teacher's first layer, where it sees as many inputs.

        Else the principal directions of the class means, at every position that a neuron sees.
        """
        planted = next(weight for weight in self.network.parameters() if weight.dim() > 1).flatten(1)
        if planted.shape[1] == width:
            return probes.Directions(planted / planted.norm(dim=1, keepdim=True))
        means = torch.stack([inputs[labels == i].mean(0) for i in range(CLASSES)])
        return probes.Directions(torch.linalg.svd(means.unfold(1, width, 1).flatten(0, 1), full_matrices=False).Vh)


def train(
    path: Path, setting: Setting, data: Sequence[Tensor], known: probes.Directions, *, members: int, steps: int
) -> None:
    """Train a network, or the average of some, record its first layer, and store what it says of the test set."""
    inputs, labels, test, answers = data
    model = Average([network(setting.student, LEARNERS[setting.student]) for _ in range(members)])
    optimizer = torch.optim.AdamW(model.parameters(), RATE, weight_decay=setting.decay, fused=True)
    rates = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, steps)

    first = next(name for name, weight in model.named_parameters() if weight.dim() > 1)
    recorder = probes.Recorder(
        path, {first: known}, schedule=probes.every(100), role=path.name.split("-")[0], overwrite=True
    )
    with recorder.attach(model, optimizer):
        batches = (chosen for _ in itertools.count() for chosen in torch.randperm(TRAINING).split(BATCH))
        for chosen in itertools.islice(batches, steps):
            loss = nn.functional.cross_entropy(model(inputs[chosen]), labels[chosen])
            recorder.log(loss=loss)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rates.step()
        with torch.no_grad():
            recorder.outputs("test", model(test), labels=answers)


def record(folder: Path, setting: Setting, seed: int, steps: int) -> None:
    """Train all networks of a setting at a seed, which draws teacher, inputs and networks."""
    torch.manual_seed(seed)
    source = Labelled(setting)
    (inputs, clean), test = source.sample(TRAINING), source.sample(TEST)
    labels, wrong = clean.clone(), torch.randperm(TRAINING)[: round(setting.label_noise * TRAINING)]
    labels[wrong] = (clean[wrong] + torch.randint(1, CLASSES, wrong.shape)) % CLASSES
    width = KERNEL if setting.student == "convolutional" else DIM
    known = source.directions(inputs, clean, width)

    for role, count, members in (("single", SINGLE, 1), ("average", AVERAGES, MEMBERS)):
        for number in range(count):
            path = folder / f"{role}-{number:02d}"
            train(path, setting, (inputs, labels, *test), known, members=members, steps=steps)


def measured(study: Study) -> Iterator[dict[str, object]]:
    """Yield a row for single networks, ensembles of some and of all, and trained averages, of one setting and seed.

    Error, what is gained on single networks, and the variance of softmax outputs over networks, summed over classes,
    as a share of single networks': means over the test set. With that of single networks the
    largest product of a neuron of their first layer with a known direction, mean over these, and the 99th percentile
    of the same along random ones.
    """
    stored = [(log.manifest.role, log.outputs("test")) for log in study.usable]
    labels = stored[0][1].labels
    alone, together = (np.stack([one.logits for role, one in stored if role == name]) for name in ("single", "average"))
    some = alone.reshape(-1, MEMBERS, *alone.shape[1:]).mean(1)
    learners = [("single", 1, alone), ("ensemble", MEMBERS, some), ("ensemble", SINGLE, alone.mean(0, keepdims=True))]
    reach = study.features().query("role == 'single' and step == step.max()")[["peak", "null_peak"]].mean()

    error, spread = (alone.argmax(-1) != labels).mean(), varied(alone)
    for learner, networks, logits in [*learners, ("average", MEMBERS, together)]:
        own = (logits.argmax(-1) != labels).mean()
        ratio = varied(logits) / spread if len(logits) > 1 else np.nan
        row = {"learner": learner, "networks": networks, "error": own, "gain": error - own, "variance_ratio": ratio}
        yield row | (reach.to_dict() if learner == "single" else {})


def varied(logits: np.ndarray) -> float:
    """Return the variance of softmax outputs over networks, summed over classes, mean over samples."""
    return float(special.softmax(logits, axis=-1).var(0, ddof=1).sum(-1).mean())


def over_seeds(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return means over seeds, a row for each setting and learner; with 95 % intervals, Student's t."""
    grouped = rows.groupby([*by, "learner", "networks"], sort=False)[list(MEASURES)]
    means, reach = grouped.mean(), grouped.sem() * stats.t.ppf(0.975, grouped.size() - 1).reshape(-1, 1)
    ends = {f"{name}_{end}": means[name] + sign * reach[name] for name in MEASURES[:3] for end, sign in ENDS}

    return means.assign(**ends, seeds=grouped.size()).reset_index()


def said(setting: Setting) -> str:
    """Return a setting in words."""
    numbers = {"margin": setting.margin, "label noise": setting.label_noise}
    extra = [f"{name} {value:g}" for name, value in numbers.items() if value]

    return ", ".join([f"{setting.teacher} \N{RIGHTWARDS ARROW} {setting.student}", setting.inputs, *extra])


def draw_gains(table: pd.DataFrame, path: Path) -> None:
    """Draw, a row for each setting, the gain in error with a band of one point, and the variance; dashed 1/M."""
    names = list(table["setting"].unique())
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9.5, 1.2 + 0.26 * len(names)), sharey=True, layout="constrained"
    )
    for shift, (learner, colour) in zip((-0.15, 0.15), COLOURS.items(), strict=True):
        rows = table[table["learner"] == learner]
        for ax, name, scale in ((left, "gain", 100), (right, "variance_ratio", 1)):
            part = rows[rows[name].notna()].drop_duplicates("setting", keep="last")
            heights = [names.index(setting) + shift for setting in part["setting"]]
            reach = scale * (part[f"{name}_high"] - part[name])
            ax.errorbar(scale * part[name], heights, xerr=reach, fmt="o", color=colour, markersize=4, label=learner)
    left.axvspan(-100 * NO_GAIN, 100 * NO_GAIN, color="0.9")
    left.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.5, -0.5))
    left.set(xlabel="gain in test error (points)")
    right.axvline(1 / MEMBERS, color="0.5", linestyle="--")
    right.set(xscale="log", xlabel=f"variance of averages of {MEMBERS} (single = 1)")
    right.set_xticks([0.2, 0.5, 1], ["0.2", "0.5", "1"], minor=False)
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    figure.savefig(path, dpi=160)


def draw_errors(table: pd.DataFrame, path: Path) -> None:
    """Draw errors of ensembles and trained averages against those of single networks; the band is one point wide."""
    largest = table.drop_duplicates(["setting", "learner"], keep="last")
    errors = largest.pivot(index="setting", columns="learner", values="error")
    figure, panels = plt.subplots(1, 2, figsize=(9.5, 4.8), layout="constrained")
    for ax, learner in zip(panels, COLOURS, strict=True):
        ends = np.array([0, 1.05 * errors.max(axis=None)])
        ax.fill_between(ends, ends - NO_GAIN, ends + NO_GAIN, color="0.9")
        ax.plot(errors["single"], errors[learner], "o", color=COLOURS[learner], markersize=4)
        ax.set(xlabel="test error of single networks", ylabel=f"test error of {learner}s")
        ax.set(xlim=ends, ylim=ends, aspect="equal")
    figure.savefig(path, dpi=160)


def main() -> None:
    """Record what is not there yet, print how many settings have no gain, and write table and figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--decay", action="store_true", help="four weight decays instead of the thirty settings")
    parser.add_argument("--quick", action="store_true", help="one setting, two seeds, 20 steps")
    parser.add_argument("--out", type=Path, default=Path("runs/gaussian_inputs"))
    options = parser.parse_args()
    settings, seeds, steps = (SETTINGS[4:5], 2, 20) if options.quick else (SETTINGS, 3, 600)

    rows = []
    for setting, seed in itertools.product(DECAYS if options.decay else settings, range(seeds)):
        folder = options.out / "-".join(map(str, dataclasses.astuple(setting))).replace(" ", "_") / f"seed-{seed}"
        if not (folder / f"average-{AVERAGES - 1:02d}" / "outputs").exists():
            record(folder, setting, seed, steps)
        name = said(setting) + (f", weight decay {setting.decay:g}" if options.decay else "")
        rows += [{"setting": name, **dataclasses.asdict(setting), **row} for row in measured(probes.open_study(folder))]

    table = over_seeds(pd.DataFrame(rows), ["setting", *dataclasses.asdict(SETTINGS[0])])
    stem = options.out / ("inputs-decay" if options.decay else "inputs")
    table.to_csv(f"{stem}-gains.csv", index=False, float_format="%.6g")
    draw_gains(table, Path(f"{stem}-gains.png"))
    draw_errors(table, Path(f"{stem}-errors.png"))
    largest = table[(table["learner"] == "ensemble") & (table["networks"] == SINGLE)]
    none = (largest["gain"] <= NO_GAIN) | (largest["gain_low"] <= 0)
    print(  # noqa: T201
        f"of {len(largest)} settings the ensemble gains a point at most, or 0 is in its interval, in {none.sum()}"
    )


if __name__ == "__main__":
    main()
