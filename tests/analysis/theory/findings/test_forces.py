import re
import sys

import numpy as np
import pytest

from probes.analysis.plots.canvas import canvas
from probes.analysis.theory.example import example_study
from probes.analysis.theory.findings.forces import draw, draw_beside, force_shares, forces
from probes.errors import LogError
from probes.log.layout import Series
from probes.log.manifest import Manifest
from probes.log.memory import memory_log
from tests.analysis.hand import GROWN, LAYOUT, log_of, race

TERMS = ("cross_entropy", "distillation")


def pushed(added, *, steps=None, dims=("term", "class", "view")):
    """A log whose features grow by what is added to them, ``(step, term, class, view)``, all by one neuron."""
    added = np.asarray(added, dtype=float)
    strength = GROWN + np.concatenate([np.zeros((1, *added.shape[2:])), np.cumsum(added.sum(1)[:-1], axis=0)])
    values = np.zeros((len(added), *added.shape[2:3], 2, *added.shape[2:]))
    for class_ in range(added.shape[2]):
        values[:, class_, 0, class_] = strength[:, class_]
    series = (Series("correlations", LAYOUT, values.shape[1:]),)
    series += (Series("forces", dims, added.shape[1:], labels={dims[0]: TERMS}),)
    steps = np.arange(len(added)) if steps is None else steps
    manifest = Manifest("a", series, status="finished")
    return memory_log(manifest, steps, {"correlations": values, "forces": added})


def drawn(seed=0, steps=6, classes=3):
    added = np.random.default_rng(seed).uniform(0, 1, (steps, 2, classes, 2))
    added[-1] = 0
    return added


def test_every_step_term_and_feature_has_its_force():
    added = drawn()
    table = forces(pushed(added)).set_index(["step", "term", "class", "view"])

    for step, term, class_, view in np.ndindex(added.shape):
        assert table.loc[(step, TERMS[term], class_, view), "force"] == pytest.approx(added[step, term, class_, view])


def test_what_was_added_so_far_leaves_out_the_coming_update():
    added = drawn()
    row = forces(pushed(added)).query("step == 3 and term == 'distillation' and `class` == 1 and view == 0")

    assert row["cumulative"].item() == pytest.approx(sum(added[step, 1, 1, 0] for step in range(3)))


def test_every_so_many_th_step_keeps_the_sums_over_all():
    thin, full = (forces(pushed(drawn()), every=every) for every in (2, 1))

    assert thin["step"].unique().tolist() == [0, 2, 4, 5]
    assert thin["cumulative"].tolist() == full[full["step"].isin([0, 2, 4, 5])]["cumulative"].tolist()


def test_shares_are_those_of_what_was_added():
    added = drawn()
    table = force_shares(pushed(added)).query("`class` == 2 and view == 1").set_index("term")
    total = added[:, :, 2, 1].sum()

    for place, term in enumerate(TERMS):
        assert table.loc[term, "added"] == pytest.approx(added[:, place, 2, 1].sum())
        assert table.loc[term, "share"] == pytest.approx(added[:, place, 2, 1].sum() / total)


def test_sums_reproduce_the_strength_gained():
    table = force_shares(pushed(drawn()))

    assert table["gained"].to_numpy() == pytest.approx(table.groupby(["class", "view"])["added"].transform("sum"))
    assert table["residual"].abs().max() < 1e-5


def test_what_no_term_explains_is_the_residual():
    log = pushed(drawn())
    values = np.array(log["correlations"][:])
    values[-1, 0, 1, 0, 0] = 0.5
    arrays = {"correlations": values, "forces": np.array(log["forces"][:])}
    table = force_shares(memory_log(log.manifest, log.steps, arrays))

    assert table.query("`class` == 0 and view == 0")["residual"].tolist() == pytest.approx([0.5] * 2, abs=1e-5)


def test_an_update_stands_for_steps_that_were_left_out():
    added = np.ones((4, 2, 1, 2))
    table = forces(pushed(added, steps=[0, 10, 20, 40])).query("term == 'distillation' and view == 0")

    assert table["cumulative"].tolist() == [0, 10, 20, 40]


def test_runs_without_a_teacher_have_no_forces():
    assert forces(log_of(race([[0]]))).empty
    assert force_shares(log_of(race([[0]]))).empty


def test_forces_of_other_axes_are_refused():
    message = (
        "run `a`: expected series `forces` with axes (term, class, view), got (part, class, view); give a series of "
        "other axes another name"
    )
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        forces(pushed(drawn(), dims=("part", "class", "view")))


def test_forces_read_in_blocks_add_up_as_those_read_whole(monkeypatch):
    log = pushed(drawn(steps=9), steps=[0, 1, 2, 5, 6, 7, 8, 9, 20])
    whole = forces(log, every=2)
    two_steps = 2 * 2 * 3 * 2 * 4
    monkeypatch.setattr(sys.modules["probes.analysis.theory.findings.forces"], "BLOCK_BYTES", two_steps)

    assert forces(log, every=2).equals(whole)


def test_forces_are_drawn_as_they_add_up():
    table = forces(example_study()[1]).query("`class` == 0 and view == 0")
    last = {line.get_ydata()[-1] for line in draw(table, canvas(4, 3)[1][0]).get_lines()[1:]}

    assert last == set(table[table["step"] == table["step"].max()]["cumulative"])


def test_every_kind_of_run_has_axes_of_its_own():
    figure = draw_beside(dict(list(forces(example_study()).groupby("variant"))))

    assert [ax.get_title() for ax in figure.axes] == ["continued", "fresh", "stopped"]
