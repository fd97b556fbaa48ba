from probes.analysis.plots.canvas import canvas
from probes.analysis.study import Study
from probes.analysis.theory.example import example_study
from probes.analysis.theory.findings.growth import growth
from probes.analysis.theory.findings.rises import draw, panel


def test_every_feature_that_was_taken_over_is_a_dot():
    table = growth(example_study())
    ax = draw(table, canvas(5, 4)[1][0])

    expected = (~table["own"] & table["taught"] & table["learned"]).sum()
    assert sum(len(line.get_xdata()) for line in ax.get_lines()) == expected


def test_without_students_there_is_no_panel():
    assert panel(Study(example_study()[-5:])) is None
