"""Every finding draws what it finds, of taps of any shape, and of studies that have little to show."""

import numpy as np
import pandas as pd
import pytest

from probes.analysis import Study, example_study
from probes.analysis.findings import (
    coverage,
    ensembles,
    growth,
    outputs,
    race,
    scalars,
    specialisation,
    timing,
    trajectories,
    winners,
)
from probes.analysis.findings.contents import OF_A_STUDY, OF_A_TAP, room
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import canvas
from probes.errors import LogError
from probes.log.layout import Series
from probes.log.manifest import Manifest
from probes.log.memory import memory_log
from probes.log.outputs import Outputs
from probes.log.reader import open_log
from probes.log.writing.writer import RunWriter
from tests.analysis.general import basis, grown, tap_log

LABELS = np.arange(8) % 2
SHAPES = {
    "one axis": (("neuron",), ("feature",), (4,), (6,)),
    "heads and words": (("head", "neuron"), ("layer", "token"), (2, 3), (2, 5)),
    "classes": (("class", "neuron"), ("feature_class", "view"), (3, 2), (3, 2)),
    "three views": (("class", "neuron"), ("feature_class", "view"), (3, 2), (3, 3)),
    "frequencies": (("neuron",), ("frequency", "phase"), (5,), (4, 2)),
    "names of columns": (("unit",), ("order", "peak"), (4,), (3, 2)),
    "ranks": (("rank",), ("feature",), (2,), (6,)),
    "no units": ((), ("feature",), (), (6,)),
    "one feature": (("neuron",), ("feature",), (4,), (1,)),
}


def run_of(kind, run, learned, *, steps=4, parents=(), seed=0, first=0, **options):
    units, axes, unit_shape, shape = SHAPES[kind]
    draw = np.random.default_rng(seed)
    values = np.repeat(draw.uniform(0.01, 0.1, (1, *unit_shape, *shape)), steps, axis=0)
    flat = values.reshape(steps, int(np.prod(unit_shape)), int(np.prod(shape)))
    for feature in learned:
        flat[1:, feature % flat.shape[1], feature % flat.shape[2]] = 5
    stored = basis(axes, shape, component="phase" if "phase" in axes else "")
    logits = draw.normal(size=(8, 2))
    return tap_log(
        flat.reshape(values.shape),
        run,
        units=units,
        axes=axes,
        directions=stored,
        quantity="correlation" if units and "rank" not in units else "reduced",
        parents=parents,
        steps=np.arange(first, first + steps),
        scalars=pd.DataFrame({"loss": np.linspace(2, 1, steps)}, index=range(first, first + steps)),
        outputs=[Outputs("test", first + steps - 1, logits, LABELS, groups=LABELS)],
        **options,
    )


def study_of(kind, **options):
    sets = {"a": [0, 3], "b": [1], "c": [0, 4]}
    logs = [run_of(kind, run, one, seed=seed, **options) for seed, (run, one) in enumerate(sets.items())]
    return Study([*logs, run_of(kind, "s", [0, 1, 3], parents=("a", "b"), seed=9, **options)])


def panels(study, tap):
    """Every panel by name, or the reason why there is none."""
    found = {}
    for name in (*OF_A_TAP, *OF_A_STUDY):
        try:
            found[name] = room(name).panel(study, tap) if name in OF_A_TAP else room(name).panel(study)
        except LogError as error:
            found[name] = str(error)
    return found


def drawn(study, tap):
    """The panels, after each has been written as a page writes it."""
    found = panels(study, tap)
    for name, panel in found.items():
        if isinstance(panel, Panel):
            assert panel.caption.endswith("."), name
            assert panel.csv.count("\n") == len(panel.table) + 1, name
            assert not panel.figure or panel.element.startswith("<svg"), name
            assert all(replay.packed for replay in panel.replays), name
    return {name: panel for name, panel in found.items() if isinstance(panel, Panel)}


# Findings of quantities, which these runs have not recorded.
OF_QUANTITIES = {"neural_collapse", "quantities", "sample_agreement", "samples", "spectrum"}
OF_OUTPUTS = {
    "deletion",
    "lead",
    "occlusion",
    "occlusion_views",
    "transfer",
    "twins",
    "views",
}  # of more outputs than these runs have
OF_ANY_STUDY = set(OF_A_STUDY) - OF_QUANTITIES - OF_OUTPUTS
ALWAYS = {"winners", "coverage", "growth", "trajectories", "learned"} | OF_ANY_STUDY


@pytest.mark.parametrize("kind", SHAPES)
def test_taps_of_any_shape_are_drawn(kind):
    study = study_of(kind)
    found = drawn(study, study.tap())

    assert set(found) >= ALWAYS
    units, _, _, shape = SHAPES[kind]
    assert ("race" in found) == bool(units)
    assert ("specialisation" in found) == (bool(units) and units != ("rank",) and np.prod(shape) > 1)


@pytest.mark.parametrize("options", [{"steps": 1}, {"steps": 2}, {"first": 3}])
def test_runs_of_a_step_or_two_or_without_step_0_are_drawn(options):
    study = study_of("heads and words", **options)

    assert set(drawn(study, study.tap())) >= {"winners", "learned", "coverage", "growth"} | OF_ANY_STUDY


@pytest.mark.parametrize("kind", ["one axis", "classes", "no units"])
def test_one_run_is_drawn_and_what_is_absent_has_its_reason(kind):
    study = Study(run_of(kind, "a", [0]))
    found = panels(study, study.tap())

    assert found["coverage"] is None
    assert found["growth"].startswith("expected students, runs that name their teachers as `parents`, got none; ")
    assert found["ensembles"].startswith("expected outputs with labels of two or more members")
    assert set(drawn(study, study.tap())) >= {"winners", "learned", "outputs", "runs", "cost", "summary"}


def test_of_quantities_that_no_run_has_recorded_nothing_is_said():
    study = study_of("one axis")
    found = panels(study, study.tap())

    assert {name: found[name] for name in OF_QUANTITIES} == dict.fromkeys(OF_QUANTITIES)


def test_runs_that_learn_nothing_or_nothing_else_are_drawn():
    for sets in ([], range(6)):
        study = Study([run_of("one axis", run, sets, seed=seed) for seed, run in enumerate("ab")])
        assert {"winners", "coverage", "trajectories"} <= set(drawn(study, study.tap()))


def test_a_correlation_that_is_no_number_is_drawn_as_nothing():
    log = run_of("one axis", "a", [0])
    values = np.asarray(log["w"]).copy()
    values[2, 1, 2] = np.nan
    study = Study([tap_log(values, "a"), run_of("one axis", "b", [1])])

    assert {"race", "winners", "trajectories", "specialisation"} <= set(drawn(study, study.tap()))


def test_a_student_and_a_run_of_one_step_are_filmed_apart():
    study = Study([
        run_of("one axis", "a", [0], steps=1),
        run_of("one axis", "b", [1]),
        run_of("one axis", "c", [1], seed=3),
    ])
    panel = race.panel(study, study.tap())

    assert panel.table["run"].unique().tolist() == ["b"]


def test_the_last_frame_is_the_last_row_of_the_log():
    log = run_of("heads and words", "a", [0, 3])
    table = race.panel(Study(log), Study(log).tap()).table
    values = np.asarray(log["w"])[-1]

    for row in table.itertuples():
        assert row.correlation == pytest.approx(values[row.head, row.neuron, row.layer, row.token], rel=1e-6)


def test_a_run_that_is_being_recorded_is_drawn(tmp_path):
    series = Series("w", ("neuron", "feature"), (3, 4), quantity="correlation")
    (tmp_path / "a").mkdir()
    with RunWriter(tmp_path / "a", Manifest("a", (series,))) as writer:
        for step in range(3):
            writer.append(step, {"w": np.full((3, 4), step + 1, "f4")})
        writer.flush()
        study = Study(open_log(tmp_path / "a"))

        assert study.runs()["status"].tolist() == ["recording"]
        assert {"winners", "trajectories", "race", "cost", "runs"} <= set(drawn(study, study.tap()))


def test_of_500_series_each_can_be_asked_for():
    series = tuple(Series(f"w{number}", ("neuron", "feature"), (2, 3), quantity="correlation") for number in range(500))
    values = np.ones((2, 2, 3))
    log = memory_log(
        Manifest("a", series), [0, 1], {one.name: values for one in series}, directions=basis(("feature",), (3,))
    )
    study = Study(log)

    assert len(study.taps) == 500
    assert len(study.learned("w321")) == 3
    assert study.summary()["tap"].tolist() == [f"w{number}" for number in range(8)]


def test_drawing_returns_the_axes():
    study = study_of("heads and words")
    tap = study.tap()
    axes = [canvas(4, 3)[1][0] for _ in range(10)]
    students = {"s"}
    table = study.features().merge(study.learned()[["run", *tap.columns, "learned"]], on=["run", *tap.columns])
    film = race.panel(study, tap).replays[0]
    courses = growth._courses(study, tap, study.growth())
    found = [
        winners.draw(study.winners(), axes[0], tap),
        coverage.draw(study.coverage(), axes[1]),
        growth.draw(courses, axes[2]),
        race.draw(film, axes[3], tap),
        trajectories.draw(table[table["run"] == "a"], axes[4], tap),
        timing.draw(study.timing(), axes[5], students=students),
        specialisation.draw(study.specialisation(), axes[6]),
        outputs.draw(study.outputs().query("group == 'all'"), axes[7], students),
        ensembles.draw(study.ensembles(), axes[8]),
        scalars.draw(study.scalars(), axes[9], students=students),
    ]

    assert all(one is ax for one, ax in zip(found, axes, strict=True))


def test_the_theorys_example_is_drawn_as_any_study_is():
    study = Study(example_study())

    assert set(drawn(study, study.tap())) >= ALWAYS | {"timing", "prediction"} - {"specialisation"}


def test_labels_of_features_name_the_columns_of_figures():
    log = grown([0], features=3, directions=basis(("feature",), (3,), labels={"feature": ("red", "green", "blue")}))
    study = Study(log)
    figure = winners.panel(study, study.tap()).figure

    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["red", "green", "blue"]
