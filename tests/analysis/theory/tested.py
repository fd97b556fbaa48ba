"""Runs of the theory's roles with a given number of mistakes, and their test errors by the definition."""

import numpy as np

from probes.analysis.intervals import rate
from probes.analysis.study import Study
from tests.analysis.hand import evaluation_of, log_of, race

SAMPLES = 30


def run(name, role, mistakes=(), *, views=((0,), (1,), (0,)), training=(), **facts):
    """A run that has these of 30 single-view samples wrong, and none of 30 multi-view ones."""
    evaluation = evaluation_of(single=mistakes, training=training, samples=SAMPLES)
    return log_of(race([list(one) for one in views]), name, role=role, evaluation=evaluation, **facts)


def measured(claims, claim, logs):
    return list(claims[claim](Study(logs)))


def in_mu(mistakes):
    """The estimate of a run with so many mistakes, mu = 0.1."""
    single, multi = rate(mistakes, SAMPLES), rate(0, SAMPLES)
    return single._replace(high=single.value + np.hypot(single.high - single.value, 9 * multi.high))
