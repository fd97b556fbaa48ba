"""Outputs of images with a cell covered, made by hand: of runs that rest on known cells, and where there is nothing."""

import numpy as np

from probes.log.outputs import Outputs
from tests.analysis.findings.made_outputs import run_log

CELLS = ("0", "1", "2", "3", "4", "5")


def occluded_outputs(drops, labels, *, ids=True, order=None, classes=None, probabilities=False):
    """Outputs whose margins fall by these drops ``(sample, cell)``, a row for each sample and cell and the whole."""
    samples, cells = drops.shape
    margins = 5 - np.concatenate([np.zeros((samples, 1)), drops], axis=1)
    logits = np.zeros((samples, cells + 1, classes or labels.max() + 1))
    logits[np.arange(samples), :, labels] = margins
    logits = logits.reshape(-1, logits.shape[2])
    groups = np.tile(["none", *CELLS[:cells]], samples)
    names = np.array([f"image-{row // (cells + 1)}/{cell}" for row, cell in enumerate(groups)]) if ids else None
    order = np.arange(len(logits)) if order is None else order
    if probabilities:
        logits = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    known = np.repeat(labels, cells + 1)[order]
    return Outputs("occluded", 1, logits[order], known, groups[order], names[order] if ids else None)


def racing(*, runs=8, classes=3, samples=40, strong=3.0, weak=0.8, noise=0.7, seed=0):
    """Drops ``(run, sample, cell)`` of runs that rest on the cell of one of two views, and labels and winners."""
    draw = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), samples)
    won = draw.integers(0, 2, (runs, classes))
    places = np.array([draw.permutation(len(CELLS))[:2] for _ in labels])
    drops = noise * draw.normal(size=(runs, len(labels), len(CELLS)))
    for run in range(runs):
        for view in range(2):
            drops[run, np.arange(len(labels)), places[:, view]] += np.where(won[run][labels] == view, strong, weak)
    return drops, labels, won


def logs_of(drops, labels, **options):
    return [run_log(f"run-{run}", occluded_outputs(one, labels, **options)) for run, one in enumerate(drops)]


def fixed(*, runs=3, cell=2, classes=2, samples=30):
    """Logs of runs whose margins fall at one cell of the image, always the same."""
    draw = np.random.default_rng(1)
    labels = np.repeat(np.arange(classes), samples)
    drops = draw.normal(size=(runs, len(labels), len(CELLS)))
    drops[:, :, cell] += 2
    return logs_of(drops, labels)
