"""What was measured beside the taps: its table, and the drawing that follows from its shape."""

import re
from itertools import product

import numpy as np
import pytest

from probes.analysis import Study, quantities
from probes.analysis.findings.quantities import panel
from probes.errors import LogError
from probes.log.layout import Series
from probes.log.manifest import Manifest
from probes.log.memory import memory_log
from tests.analysis.general import grown


def measured(run="a", *, steps=5, **series):
    """A run of series, each given as (dims, values (step, *dims), further facts of the series)."""
    declared, arrays = [], {}
    for name, (dims, values, *facts) in series.items():
        arrays[name] = np.asarray(values, dtype=float)
        declared.append(Series(name, dims, arrays[name].shape[1:], dtype="<f8", **(facts[0] if facts else {})))
    return memory_log(Manifest(run, tuple(declared), status="finished"), np.arange(steps), arrays)


def random(*shape):
    return np.random.default_rng(0).normal(size=shape)


def drawn(*logs):
    """What is written above each drawing, whether it has cells, and its lines."""
    found = panel(Study(logs))
    assert found.element.startswith("<svg")
    axes = [ax for ax in found.figure.axes if ax.get_title()]
    return {ax.get_title(): (bool(ax.get_images()), len(ax.get_lines())) for ax in axes}


def test_the_table_has_each_value_under_the_names_of_its_entries():
    values = random(5, 3, 2)
    labels = {"labels": {"kind": ("x", "y")}}
    table = quantities(measured(w=(("head", "kind"), values, labels), loss=((), np.arange(5.0))))
    mine = table[table["series"] == "w"]

    assert list(table) == ["run", "series", "step", "head", "kind", "value"]
    slow = [(step, head, "xy"[kind], values[step, head, kind]) for step, head, kind in product(*map(range, (5, 3, 2)))]
    assert list(mine[["step", "head", "kind", "value"]].itertuples(index=False, name=None)) == slow
    assert table.loc[table["series"] == "loss", ["head", "kind"]].isna().all(axis=None)


def test_steps_are_those_of_the_series():
    declared = Series("slow", (), (), dtype="<f8", schedule="every(10)")
    manifest = Manifest("a", (declared,), status="finished", schedule="every(5)")
    table = quantities(memory_log(manifest, [0, 5, 10, 15, 20], {"slow": [1, 2, 3]}))

    assert table[["step", "value"]].to_numpy().tolist() == [[0, 1], [10, 2], [20, 3]]


def test_axes_called_as_columns_have_names_of_their_own():
    table = quantities(measured(w=(("value", "run"), random(5, 2, 2))))

    assert list(table) == ["run", "series", "step", "value_axis", "run_axis", "value"]


def test_of_many_values_fewer_steps_are_taken_with_both_ends_and_it_is_said():
    table = quantities(measured(steps=50, w=(("neuron",), random(50, 1000))))

    assert table["step"].unique().tolist() == [0, 10, 20, 29, 39, 49]
    assert len(table) == 6000
    assert table.attrs["thinned"] == {"w": "6 of 50 steps"}


def test_of_too_many_entries_every_so_many_th_of_an_axis_is_taken_and_it_is_said():
    values = random(3, 200, 100)
    table = quantities(measured(steps=3, w=(("row", "column"), values)))

    assert table["step"].unique().tolist() == [0, 2]
    assert table["row"].unique().tolist() == list(range(0, 200, 4))
    assert table["column"].unique().tolist() == list(range(0, 100, 2))
    assert np.array_equal(table["value"], values[::2, ::4, ::2].ravel())
    assert table.attrs["thinned"] == {"w": "2 of 3 steps, 2,500 of 20,000 entries"}


def test_taps_with_their_nulls_and_norms_are_left_out():
    tap = (("neuron", "feature"), random(5, 3, 6), {"quantity": "correlation"})
    beside = {"w.null": (("random", "statistic"), random(5, 8, 4)), "w.norm": (("neuron",), random(5, 3))}
    log = measured(w=tap, **beside, **{"v.norm": ((), random(5))})

    assert list(Study(log).taps) == ["w"]
    assert quantities(log)["series"].unique().tolist() == ["v.norm"]


def test_without_series_it_is_said_how_to_record_some():
    message = (
        "expected series beside taps, got none; record some by `probes.Recorder(path, taps, quantities=[...])`, "
        "such as `probes.quantities.spectrum(name)`"
    )
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        quantities(grown([0]))
    assert panel(Study(grown([0]))) is None


def test_a_number_is_a_line_of_every_run_and_their_median():
    assert drawn(*(measured(run, loss=((), random(5))) for run in "abc")) == {"loss": (False, 4)}


def test_few_entries_are_thin_lines_of_every_run_and_their_median():
    assert drawn(*(measured(run, w=(("neuron",), random(5, 6))) for run in "ab")) == {"w": (False, 13)}


def test_few_entries_with_names_have_them_at_their_ends():
    log = measured(w=(("kind",), random(5, 2), {"labels": {"kind": ("dead", "dormant")}}))
    (ax,) = [ax for ax in panel(Study(log)).figure.axes if ax.get_title()]

    assert {text.get_text() for text in ax.texts} == {"dead", "dormant"}
    assert len(ax.get_lines()) == 4


def test_measures_are_drawn_apart_since_their_scales_differ():
    log = measured(w=(("measure",), random(5, 2), {"labels": {"measure": ("norm", "cosine")}}))

    assert drawn(log) == {"w: norm": (False, 2), "w: cosine": (False, 2)}


def test_many_entries_are_cells_over_the_steps_of_each_of_three_runs():
    logs = [measured(run, w=(("neuron",), random(5, 40))) for run in "abcd"]

    assert drawn(*logs) == {f"w, {run}": (True, 0) for run in "abc"}
    shapes = {image.get_array().shape for ax in panel(Study(logs)).figure.axes for image in ax.get_images()}
    assert shapes == {(40, 5)}


@pytest.mark.parametrize("dims", [("row", "column"), ("head", "row", "column")])
def test_of_two_axes_or_more_the_last_step_and_the_means_are_drawn(dims):
    values = np.abs(random(5, *(2, 4, 5)[-len(dims) :]))
    log = measured(w=(dims, values))
    images = [image for ax in panel(Study(log)).figure.axes for image in ax.get_images()]

    assert list(drawn(log)) == ["w, a, step 4", "mean over steps", "mean over entries, every run"]
    assert np.allclose(images[0].get_array(), values[-1].reshape(-1, 5))
    assert np.allclose(images[1].get_array(), values.mean(axis=0).reshape(-1, 5))


def test_a_spectrum_is_drawn_at_four_steps_on_a_logarithmic_scale():
    values = np.sort(np.abs(random(9, 20)))[:, ::-1] + 0.1
    log = measured(steps=9, w=(("rank",), values, {"quantity": "spectrum"}))
    (ax,) = [ax for ax in panel(Study(log)).figure.axes if ax.get_title()]

    assert ax.get_yscale() == "log"
    assert sorted(text.get_text() for text in ax.texts) == ["step 0", "step 3", "step 5", "step 8"]
    assert np.allclose(ax.get_lines()[-1].get_ydata(), values[8])
    assert ax.get_lines()[-1].get_xdata().tolist() == list(range(1, 21))


def test_values_that_are_no_numbers_or_all_alike_are_drawn():
    for values in (np.full((5, 40), np.nan), np.zeros((5, 40)), np.full((5, 40), np.inf)):
        assert drawn(measured(w=(("neuron",), values), v=((), values[:, 0]), u=(("rank",), values)))


def test_what_has_no_room_is_named():
    found = panel(Study(measured(**{f"s{number}": ((), random(5)) for number in range(32)})))

    assert " Not drawn: s30, s31." in found.caption
    assert found.table["series"].nunique() == 32


def test_what_findings_of_its_own_show_is_in_the_table_alone():
    log = measured(w=((), random(5), {"quantity": "rank"}), v=((), random(5)))

    assert list(drawn(log)) == ["v"]
    assert quantities(log)["series"].unique().tolist() == ["w", "v"]
