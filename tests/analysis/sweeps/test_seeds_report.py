from probes.analysis.plots.canvas import canvas
from probes.analysis.study import Study
from probes.analysis.sweeps.seeds_report import draw_seeds, draw_verdicts
from probes.analysis.theory.example import Sizes, example_study
from probes.analysis.theory.over_seeds import claims_by_seed, claims_over_seeds

SIZES = Sizes(classes=3, steps=60, singles=3)
STUDIES = {seed: Study(example_study(SIZES, seed=seed)) for seed in (0, 5, 7)}
ROWS = claims_by_seed(STUDIES)


def test_every_seed_has_a_dot_below_the_pooled_claim():
    pooled = claims_over_seeds(STUDIES)
    dots = draw_seeds(pooled, ROWS, canvas(8, 6)[1][0]).get_lines()[-1]

    assert dots.get_xdata().tolist() == ROWS["measured"].clip(-0.25, 1.05).tolist()
    assert [int(height) for height in dots.get_ydata()] == [row for row in range(len(pooled)) for _ in STUDIES]


def test_every_claim_has_a_mark_at_every_seed():
    ax = draw_verdicts(ROWS, canvas(8, 6)[1][0])

    assert sum(len(line.get_xdata()) for line in ax.get_lines()) == len(ROWS)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "5", "7"]
