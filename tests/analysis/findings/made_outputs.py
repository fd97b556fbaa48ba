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


def lead_logs(*, decided=10, predicted=0.5, runs=10, classes=5, test=True, steps=(0, 10, 30, 100), seed=0, **facts):
    """Runs whose lead on a clean batch shows the winner from a step on; a gradient step predicts part of it."""
    labels, views = np.repeat(np.arange(classes), 2), np.tile([0, 1], classes)
    groups, draw = np.array([f"view {view}" for view in views]), np.random.default_rng(seed)
    material = samples_of(classes=classes, seed=seed)
    logs = []
    for run in range(runs):
        won = draw.integers(0, 2, classes)
        favour, start = np.where(won[labels] == views, 1.0, -1.0), draw.normal(size=len(labels))
        sets = []
        for step in steps:
            known = start + 0.2 * draw.normal(size=len(labels)) + (step >= decided) * (1 + step / 20) * favour
            sets.append(Outputs("lead", step, np.eye(classes)[labels] * known[:, None], labels, groups))
        change = predicted * favour + draw.normal(size=len(labels))
        sets.append(
            Outputs("lead-one-step", 0, sets[0].logits + np.eye(classes)[labels] * change[:, None], labels, groups)
        )
        names = np.array([f"view {one}" for one in material[1]])
        sets += [Outputs("test", 100, preferring(won, material, seed=run), material[0], names)] if test else []
        logs.append(run_log(f"run-{run}", *sets, **facts))
    return logs


def taught_logs(errors, *, pairs=8, samples=400, noise=0.02, seed=0, teachers=0.1, **facts):
    """Runs of each arm, by role, that have about these shares of one set wrong, with a part that initialisations share.

    `errors` maps a role, or a role and a variant, to a share; "untaught" has no parents, all others have two teachers.
    """
    draw = np.random.default_rng(seed)
    labels, hard = np.arange(samples) % 2, draw.permutation(samples)
    shared = 0.05 * draw.normal(size=pairs)

    def log(run, share, **described):
        logits = 2.0 * np.eye(2)[labels]
        logits[hard < share * samples] = [1.5, 1.5]
        return run_log(run, Outputs("test", 100, logits, labels), **described, **facts)

    logs = [log(f"teacher-{number}", teachers, role="teacher", seeds={"init": 100 + number}) for number in range(2)]
    for arm, share in errors.items():
        role, variant = arm if isinstance(arm, tuple) else (arm, "")
        for init in range(pairs):
            parents = () if role == "untaught" else ("teacher-0", "teacher-1")
            part = share + shared[init] + noise * draw.normal()
            described = {"role": role, "variant": variant, "parents": parents, "seeds": {"data": 0, "init": init}}
            logs.append(log(f"{role}-{variant}{init}", part, **described))
    return logs
