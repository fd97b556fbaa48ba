"""Outputs made by hand, of runs that prefer known views, and of classes where there is nothing to find."""

import numpy as np

from probes.analysis.factors.gaussian import gaussian_outputs
from probes.log.outputs import Outputs
from tests.analysis.general import tap_log

CLASSES, SAMPLES, RUNS = 4, 60, 8


def run_log(run, *sets, **facts):
    """A run with these outputs, and next to nothing else."""
    return tap_log(np.ones((2, 2, 3)), run, steps=[0, 100], outputs=sets, **facts)


def samples_of(*, classes=CLASSES, samples=SAMPLES, views=2, seed=0):
    """Labels, the view of each sample, and how hard it is: what all runs are evaluated on."""
    draw = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), samples)
    return labels, draw.integers(0, views, len(labels)), draw.normal(size=(len(labels), classes))


def preferring(winners, material, *, seed, strong=3.0, weak=0.8, noise=1.0):
    """Logits of a run that has won one view of each class: it sees that strongly, and the others weakly."""
    labels, shown, hard = material
    draw = np.random.default_rng(100 + seed)
    logits = hard + noise * draw.normal(size=hard.shape)
    logits[np.arange(len(labels)), labels] += np.where(np.asarray(winners)[labels] == shown, strong, weak)
    return logits


def lottery(*, runs=RUNS, views=2, name="test", step=100, groups=True, seed=0, **options):
    """Runs of a lottery, and the view that each has won of each class, ``(run, class)``."""
    material = samples_of(views=views, seed=seed, **options)
    winners = np.random.default_rng(50 + seed).integers(0, views, (runs, material[0].max() + 1))
    names = np.array([f"view {one}" for one in material[1]]) if groups else None
    logs = []
    for run, won in enumerate(winners):
        logits = preferring(won, material, seed=run)
        found = Outputs(name, step, logits, material[0], names, np.arange(len(logits)))
        logs.append(run_log(f"run-{run}", found, seeds={"init": run, "order": run}))
    return logs, winners, material


def gaussian(
    *, seeds=lambda run: {"init": run, "order": run}, runs=RUNS, classes=10, samples=SAMPLES, seed=1, name="test"
):
    """Runs on Gaussian classes, which have no views."""
    logits, labels = gaussian_outputs(runs, classes, samples, seed=seed)
    return [run_log(f"run-{run}", Outputs(name, 100, one, labels), seeds=seeds(run)) for run, one in enumerate(logits)]


def twin_logs(*, decided_by="init", inits=6, orders=3, groups=True, name="test", **options):
    """Runs of every initialisation with every order, where one of the two seeds decides the winners."""
    material = samples_of(**options)
    names = np.array([f"view {one}" for one in material[1]]) if groups else None
    logs = []
    for init in range(inits):
        for order in range(orders):
            seeds = {"data": 0, "init": init, "order": order}
            known = {"init": init, "order": order, "both": 100 * init + order}[decided_by]
            won = np.random.default_rng(900 + known).integers(0, 2, material[0].max() + 1)
            logits = preferring(won, material, seed=100 * init + order)
            logs.append(run_log(f"run-{init}-{order}", Outputs(name, 100, logits, material[0], names), seeds=seeds))
    return logs
