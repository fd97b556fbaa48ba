"""What the theory expects of each claim: one table of bounds, each with its source.

The paper's constants (0.49 to 0.51 mu, 0.001 mu) hold for classes without number. The bounds below are those for the
sizes a computer trains, k = 8 to 20 classes and m = 5 to 10 neurons; `why` says where they come from. No range is a
single point, in which no interval can lie: what is 0 in theory has a tolerance, and `why` states its reason, too.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["EXPECTATIONS", "Expectation"]


@dataclass(frozen=True)
class Expectation:
    """A claim in words, where it stands, the range a measurement must lie in, and what was published on images.

    Attributes:
        statement: The claim in one sentence.
        source: Where it stands in Allen-Zhu & Li (ICLR 2023).
        low: Smallest value that is as expected.
        high: Largest value that is as expected.
        why: Where the range comes from.
        published: Test accuracies of WRN-28-10 from Figure 1, CIFAR-10 and CIFAR-100 on a line each; "" where there are
            none.
        possible: Smallest and largest value there can be, whatever is measured.
    """

    statement: str
    source: str
    low: float
    high: float
    why: str
    published: str = ""
    possible: tuple[float, float] = (-math.inf, math.inf)


_SHARE, _ERROR = (0.0, 1.0), (0.0, math.inf)  # what is possible


EXPECTATIONS: Mapping[str, Expectation] = MappingProxyType({
    "single.train_error": Expectation(
        "A single network classifies its training set perfectly.",
        "Theorem 1",
        0.0,
        0.001,
        "Theorem 1: training is perfect, 0; the tolerance of 0.001 is less than one wrong sample a run of 720 or 960",
        possible=_SHARE,
    ),
    "single.test_error_mu": Expectation(
        "A single network is wrong on half of the single-view data.",
        "Theorem 1",
        0.45,
        0.51,
        "Theorem 1: [0.49, 0.51]; with s off-class features of each view expected, (1 - e^(-s(1 - 1/k)))/2, which "
        "is 0.46 at s = 2.5, less a tie or two",
        "96.70 ± 0.21 %\n81.51 ± 0.16 %",
        possible=_ERROR,
    ),
    "ensemble.test_error_mu": Expectation(
        "The ensemble of the singles is almost never wrong.",
        "Theorem 2, (4.1)",
        0.0,
        0.01,
        "Theorem 2: 0.001, the introduction: 0.01",
        "97.20 %\n84.69 %",
        possible=_ERROR,
    ),
    "distilled.test_error_mu": Expectation(
        "A network distilled from the ensemble is almost never wrong.",
        "Theorem 3, (4.3)",
        0.0,
        0.05,
        "Theorem 3: 0.001 for unbounded time; one view of one class of 12 not learned makes 0.04",
        "97.22 %\n83.81 %",
        possible=_ERROR,
    ),
    "distilled.features_learned": Expectation(
        "A distilled network has learned all 2k features.",
        "Theorem 3, remark",
        0.95,
        1.0,
        "Theorem 3, remark: all; at finite time one feature of 24 may be missing (0.958)",
        possible=_SHARE,
    ),
    "self_distilled.test_error_mu": Expectation(
        "A network distilled from one other network is wrong on a quarter of the single-view data.",
        "Theorem 4 (full version)",
        0.0,
        0.30,
        "Theorem 4: 0.26; what a union of two winners leaves varies from pair to pair around 0.25",
        "97.13 %\n83.56 %",
        possible=_ERROR,
    ),
    "self_distilled.excess_over_union_mu": Expectation(
        "A self-distilled network is wrong on what the union of the two winners leaves uncovered.",
        "Theorem 4 (full version), Section 4.2",
        -0.05,
        0.05,
        "0 in theory; 0.05 is one feature of 24, and the uncovered share overstates the error by e^(-s(1 - 1/k))",
    ),
    "ensemble_of_distilled.gain_mu": Expectation(
        "The ensemble of distilled networks gains nothing over one of them.",
        "Theorem 3, remark; Figure 8",
        -0.05,
        0.05,
        "0 in theory; as much as a distilled network may err",
    ),
    "winners.predicted": Expectation(
        "The initialisation predicts which view of a class is learned.",
        "Definition of M (full version)",
        0.95,
        1.0,
        "the proof of Theorem 1: for all of M; outside M the lead at initialisation is small",
        possible=_SHARE,
    ),
    "winners.size": Expectation(
        "Nearly every class has a winner.",
        "Definition of M (full version)",
        0.60,
        1.0,
        "k(1 - o(1)) to k; at m neurons the gap factor leaves 0.70 (m = 5), 0.75 (10), 0.85 (100) of the classes; "
        "less two standard errors at 120 classes (0.08)",
        possible=_SHARE,
    ),
    "losing_view.stays_small": Expectation(
        "In a class with a winner the other view is not learned by any neuron.",
        "Theorem 1, induction hypothesis (full version)",
        0.0,
        0.1,
        "stays O~(sigma_0), while the winner grows to O(log k): their ratio is 0.01 at sigma_0 = 0.01, and 0.1 is "
        "far from both it and a view that was learned. The largest of some 150 classes: at m = 20 the gap of M lets a "
        "loser be within 10 %, and one such tie decides it; `induction.losing_view` is the share, and the gap's ties "
        "vanish as sigma_0 does",
        possible=_ERROR,
    ),
    "average.gain_mu": Expectation(
        "Training the average of K networks gains nothing over one network.",
        "Section 1; Section 2.1, Figure 1",
        -1.0,
        0.05,
        "no gain; an ensemble would gain 0.5",
        "96.46 %\n81.83 %",
    ),
    "induction.losing_view": Expectation(
        "In a class with a winner the losing view stays at the scale of the initialisation, at every step.",
        "Theorem 1, induction hypothesis (full version)",
        0.95,
        1.0,
        "all of M, with high probability; 0.95 as for the prediction: a class that its loser wins counts here, too",
        possible=_SHARE,
    ),
    "induction.off_class": Expectation(
        "Correlations with the features of other classes stay at the scale of the initialisation, at every step.",
        "Theorem 1, induction hypothesis (full version)",
        0.95,
        1.0,
        "all classes, with high probability; one class of 20 may learn a wrong feature at finite k",
        possible=_SHARE,
    ),
    "induction.negative": Expectation(
        "No correlation falls far below zero, at any step.",
        "Theorem 1, induction hypothesis (full version)",
        0.90,
        1.0,
        "all classes in small steps; a view that loses late may be pushed down by one large step, which throws its "
        "neuron across zero, where it stays: at most one class of 10",
        possible=_SHARE,
    ),
    "induction.not_kept_alive": Expectation(
        "Neurons that start well below the peak stay at the scale of the initialisation, at every step.",
        "Theorem 1, induction hypothesis (full version)",
        0.95,
        1.0,
        "all classes, with high probability; a neuron at 1 - 1/log k of the peak grows log k times at most",
        possible=_SHARE,
    ),
    "induction.balance": Expectation(
        "At the end no class outweighs another: 0.4 Phi_i < Phi_j.",
        "Theorem 1, end of training (full version)",
        0.0,
        1.0,
        "0.4 is the largest weight of an off-class feature: beyond 1 it would decide multi-view samples",
        possible=_ERROR,
    ),
    "memorisation.new_features": Expectation(
        "Once multi-view data is learned, the rest is memorised and no feature is learned any more.",
        "Theorem 1, phase III (full version)",
        0.0,
        0.05,
        "none in theory; 0.05 is one class of 20 still in its race when the loss says that phase II is over",
        possible=_SHARE,
    ),
    "coverage.as_drawn": Expectation(
        "Every member draws its views by itself, by the lottery of its initialisation: coverage follows from that.",
        "Theorem 2; Theorem 4 (full version)",
        -0.05,
        0.05,
        "0 in theory: a pair covers 1 - mean of (p^2 + (1 - p)^2)/2; 0.05 is one feature of 20; ties cover more",
    ),
    "deletion.causal": Expectation(
        "A class sees a view through the neurons credited with it, and not through those of its other view.",
        "Section 3; Theorem 1",
        0.8,
        1.0,
        "1 in theory: without them the view's samples are right by default only, e^(-s(1 - 1/k)) (0.08 at s = 2.5) at "
        "most; a tied neuron that carries both views costs the control",
        possible=(-1.0, 1.0),
    ),
    "lottery.favoured_view": Expectation(
        "The view with the larger S wins as often as the lottery of the initialisation says.",
        "Definition of M (full version)",
        -0.05,
        0.05,
        "0 in theory; 0.05 is one class of 20",
    ),
    "lottery.self_distilled_mu": Expectation(
        "A self-distilled network errs on what two winners, drawn by that lottery, leave uncovered.",
        "Theorem 4 (full version)",
        -0.05,
        0.05,
        "0 in theory: the mean over classes of (p^2 + (1 - p)^2)/2, which is 1/4 where the views weigh the same; 0.05 "
        "is one feature of 20",
    ),
})
