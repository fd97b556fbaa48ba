from probes.analysis.study import Study
from probes.analysis.theory.example import example_study
from probes.analysis.theory.findings.missing_features import draw_beside, missing_features
from tests.analysis.hand import log_of, race

TEACHERS = [log_of(race([[1], [0], [0]]), "one"), log_of(race([[1], [1], [0]]), "two")]
STUDENT = log_of(
    race([[0, 1], [0], [1]], ahead=[0, 0, 1], steps=8), "student", role="distilled", parents=("one", "two")
)


def test_missing_features_are_those_that_are_not_own():
    table = missing_features([STUDENT, *TEACHERS])
    table = table[table["run"] == "student"]
    last = table[table["step"] == 7]

    assert list(zip(last["class"], last["view"], last["taught"], strict=True)) == [
        (0, 1, True),
        (1, 1, True),
        (2, 0, True),
    ]
    assert len(table) == 8 * 3


def test_without_teachers_nothing_is_taught():
    assert not missing_features(TEACHERS)["taught"].any()


def test_a_study_without_runs_has_none():
    assert missing_features(Study([])).empty


def test_every_kind_has_axes_of_its_own_on_one_scale():
    table = missing_features(example_study())
    figure = draw_beside({role: table[table["role"] == role] for role in ("single", "distilled")})

    assert [ax.get_title() for ax in figure.axes] == ["single", "distilled"]
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()
