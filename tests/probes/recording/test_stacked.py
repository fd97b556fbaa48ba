from contextlib import suppress
from itertools import product

import numpy as np
import pytest
import torch

from probes.directions import Directions
from probes.errors import RunError, UsageError
from probes.log import open_logs
from probes.log.manifest import Manifest
from probes.log.writing import Position
from probes.quantities import Quantity, Tap
from probes.recording import StackedRecorder
from probes.schedules import every

RUNS, CLASSES, NEURONS, DIM = 3, 2, 4, 6
GENERATOR = torch.Generator().manual_seed(0)
STEPS = torch.randn(5, RUNS, CLASSES, NEURONS, DIM, generator=GENERATOR)
DIRECTIONS = {
    "identity": Directions(torch.eye(DIM).reshape(3, 2, DIM)),
    "oblique": Directions(torch.randn(2, 2, DIM, generator=GENERATOR)),
}
NAMES = [f"single-{run:02d}" for run in range(RUNS)]


def stacked(root, directions=DIRECTIONS["oblique"], **options):
    manifests = [Manifest(name, (), role="single", seeds={"init": run}) for run, name in enumerate(NAMES)]
    return StackedRecorder([root / name for name in NAMES], {"correlations": directions}, manifests, **options)


def looped(weights, vectors):
    """The inner products of one run at one step, one by one."""
    products = np.zeros((CLASSES, NEURONS, *vectors.shape[:2]))
    for index in product(*map(range, products.shape)):
        products[index] = float(weights[index[:2]].double() @ vectors[index[2:]].double())
    return products


@pytest.mark.parametrize("kind", DIRECTIONS)
@pytest.mark.parametrize("layout", [(0, 1, 2, 3), (3, 0, 1, 2)])
def test_every_run_has_its_own_log(tmp_path, kind, layout):
    with stacked(tmp_path, DIRECTIONS[kind]) as recorder:
        for step, weights in enumerate(STEPS):
            strided = weights.permute(layout).contiguous().permute(np.argsort(layout).tolist())
            recorder.step(step, {"correlations": strided})

    for run, log in enumerate(open_logs(tmp_path)):
        expected = [looped(weights[run], DIRECTIONS[kind].vectors) for weights in STEPS]
        np.testing.assert_allclose(log["correlations"][:], expected, atol=1e-5)
        assert log["correlations"].dims == ("step", "class", "neuron", "feature_class", "view")


def test_each_run_keeps_its_manifest(tmp_path):
    with stacked(tmp_path) as recorder:
        recorder.step(0, {"correlations": STEPS[0]})

    for run, log in enumerate(open_logs(tmp_path)):
        assert (log.manifest.run_id, log.manifest.seeds, log.status) == (NAMES[run], {"init": run}, "finished")
        assert log.directions().sha256 == DIRECTIONS["oblique"].sha256


def test_scalars_go_to_their_runs(tmp_path):
    with stacked(tmp_path) as recorder:
        recorder.step(0, {"correlations": STEPS[0]})
        recorder.log(0, {"loss": torch.tensor([1.0, 2.0, 3.0]), "train_error": torch.tensor([0.5, 0.25, 0.0])})
        recorder.log(7, {"loss": torch.tensor([30.0, 10.0])}, runs=[2, 0])

    tables = [log.scalars() for log in open_logs(tmp_path)]
    assert [table["loss"].dropna().to_dict() for table in tables] == [{0: 1.0, 7: 10.0}, {0: 2.0}, {0: 3.0, 7: 30.0}]
    assert [table["train_error"][0] for table in tables] == [0.5, 0.25, 0.0]


def test_a_run_that_left_is_not_written_any_more(tmp_path):
    with stacked(tmp_path) as recorder:
        recorder.step(0, {"correlations": STEPS[0]})
        recorder.step(1, {"correlations": STEPS[1][[2, 0]]}, runs=(2, 0))

    logs, expected = open_logs(tmp_path), looped(STEPS[1][2], DIRECTIONS["oblique"].vectors)
    assert [log.steps.tolist() for log in logs] == [[0, 1], [0], [0, 1]]
    np.testing.assert_allclose(logs[2]["correlations"][1], expected, atol=1e-5)


def test_a_run_that_is_not_finite_ends_and_the_others_go_on(tmp_path):
    broken = STEPS.clone()
    broken[2:, 1, 0, 3] = torch.inf
    with stacked(tmp_path) as recorder:
        for step, weights in enumerate(broken):
            recorder.step(step, {"correlations": weights})
            recorder.log(step, {"loss": torch.ones(RUNS)})

    logs = open_logs(tmp_path)
    assert [log.status for log in logs] == ["finished", "diverged", "finished"]
    assert [len(log.steps) for log in logs] == [5, 2, 5]
    assert logs[1].manifest.reason == "`correlations` is not finite at step 2"


def test_one_run_can_be_closed_early(tmp_path):
    with stacked(tmp_path) as recorder:
        recorder.step(0, {"correlations": STEPS[0]})
        recorder.close_run(1, "diverged", "its loss is not finite")
        recorder.close_run(1, "finished")
        recorder.step(1, {"correlations": STEPS[1]})

    logs = open_logs(tmp_path)
    assert [log.status for log in logs] == ["finished", "diverged", "finished"]
    assert [len(log.steps) for log in logs] == [2, 1, 2]


def test_a_training_that_breaks_off_ends_every_log_with_the_reason(tmp_path):
    with suppress(ArithmeticError), stacked(tmp_path) as recorder:
        recorder.step(0, {"correlations": STEPS[0]})
        raise ArithmeticError("too large")

    ends = {(log.status, log.manifest.reason) for log in open_logs(tmp_path)}
    assert ends == {("failed", "ArithmeticError: too large")}


def test_a_tap_names_other_axes(tmp_path):
    with stacked(tmp_path, Tap(DIRECTIONS["oblique"], dims=("neuron",))) as recorder:
        recorder.step(0, {"correlations": STEPS[0][:, 0]})

    assert open_logs(tmp_path)[0]["correlations"].dims == ("step", "neuron", "feature_class", "view")


def test_runs_that_exist_are_kept_unless_they_may_be_overwritten(tmp_path):
    with stacked(tmp_path) as recorder:
        recorder.step(0, {"correlations": STEPS[0]})
    with pytest.raises(RunError, match="expected no run at"):
        stacked(tmp_path).step(0, {"correlations": STEPS[0]})
    with stacked(tmp_path, overwrite=True) as recorder:
        recorder.step(0, {"correlations": STEPS[1]})

    assert [len(log.steps) for log in open_logs(tmp_path)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda it: it.log(0, {"loss": torch.ones(3)}),
            UsageError,
            "expected step 0 to be recorded before scalars; call `step` first",
        ),
        (
            lambda it: it.step(0, {"correlations": STEPS[0]}, runs=(0, 1, 3)),
            ValueError,
            "expected `runs` of 0 to 2, got (0, 1, 3)",
        ),
        (
            lambda it: it.step(0, {"correlations": STEPS[0]}, runs=(0, 1)),
            ValueError,
            "expected `correlations` of 2 runs, got shape (3, 2, 4, 6)",
        ),
        (
            lambda it: it.step(0, {"correlations": STEPS[0][:2]}, runs=(0, 1)),
            ValueError,
            "expected all 3 runs at the first step, got 2",
        ),
        (
            lambda it: it.step(0, {"weights": STEPS[0]}),
            ValueError,
            "expected `weights` named correlations, got weights",
        ),
    ],
)
def test_a_call_that_does_not_fit_is_refused(tmp_path, call, error, message):
    with pytest.raises(error, match="expected") as refused:
        call(stacked(tmp_path))

    assert str(refused.value) == message


def test_paths_without_manifests_are_refused():
    with pytest.raises(ValueError, match=r"^expected one manifest per path, got 2 paths and 0 manifests$"):
        StackedRecorder(["a", "b"], {}, [])


def test_runs_go_on_from_where_they_stood_on_the_disk(tmp_path):
    first = stacked(tmp_path)
    for step in range(3):
        first.step(step, {"correlations": STEPS[step]})
    first.log(1, {"loss": torch.arange(3.0)})
    positions = first.positions(1 + 1)
    first.step(3, {"correlations": STEPS[0]})
    first.close("interrupted")

    with stacked(tmp_path, resume=list(positions.values())) as again:
        for step in (3, 4):
            again.step(step, {"correlations": STEPS[step]})
    for run, log in enumerate(open_logs(tmp_path)):
        expected = [looped(weights[run], DIRECTIONS["oblique"].vectors) for weights in STEPS]
        np.testing.assert_allclose(log["correlations"][:], expected, atol=1e-5)
        assert (log.manifest.attempts, log.scalars().loss[1]) == ((2,), run)


def test_only_runs_that_are_still_recorded_stand_somewhere(tmp_path):
    with stacked(tmp_path) as recorder:
        recorder.step(0, {"correlations": STEPS[0]})
        recorder.close_run(1, "diverged")
        assert recorder.positions(0) == {0: (0, 1), 2: (0, 1)}


def test_there_is_a_position_for_every_run(tmp_path):
    with pytest.raises(ValueError, match=r"^expected one position per path, got 3 paths and 1 positions$"):
        stacked(tmp_path, resume=[Position()])


def test_only_steps_of_the_schedule_are_recorded_also_when_gone_on_with(tmp_path):
    with stacked(tmp_path, schedule=every(2)) as recorder:
        for step in range(3):
            recorder.step(step, {"correlations": STEPS[step]})
        positions = recorder.positions(2)
    with stacked(tmp_path, schedule=every(2), resume=list(positions.values())) as recorder:
        for step in (3, 4):
            recorder.step(step, {"correlations": STEPS[step]})

    assert [log.steps.tolist() for log in open_logs(tmp_path)] == [[0, 2, 4]] * 3
    assert open_logs(tmp_path)[0].manifest.schedule == "every(2)"


def test_further_quantities_are_split_into_runs_too(tmp_path):
    total = Quantity("total", ("run", "class"), lambda state: state.parameters["moves"].sum((2, 3)))
    with stacked(tmp_path, quantities=[total]) as recorder:
        recorder.step(0, {"correlations": STEPS[0], "moves": STEPS[1]})

    for run, log in enumerate(open_logs(tmp_path)):
        assert log["total"].dims == ("step", "class")
        np.testing.assert_allclose(log["total"][0], STEPS[1][run].sum((1, 2)), rtol=1e-5)


@pytest.mark.parametrize("dims", [("class", "neuron"), ("class_", "neuron")])
def test_every_run_has_its_null(tmp_path, dims):
    with stacked(tmp_path, Tap(DIRECTIONS["oblique"], dims)) as recorder:
        for step, weights in enumerate(STEPS):
            recorder.step(step, {"correlations": weights})

    for run, log in enumerate(open_logs(tmp_path)):
        null, vectors = log["correlations.null"][:], log.directions("correlations.null").vectors
        assert log.series["correlations.null"].dims == (
            *(["class"] if dims[0] == "class" else []),
            "random",
            "statistic",
        )
        products = np.einsum("tird,ud->tiru", STEPS[:, run].double(), vectors)
        if dims[0] != "class":
            products = products.reshape(len(STEPS), CLASSES * NEURONS, -1)[:, None]
            null = null[:, None]
        readings = [np.abs(products), np.maximum(products, 0)]
        expected = [statistic for each in readings for statistic in (each.sum(2), each.max(2))]
        np.testing.assert_allclose(null, np.stack(expected, -1), rtol=1e-4, atol=1e-5)


def test_without_a_null_only_taps_are_recorded(tmp_path):
    with stacked(tmp_path, null=False) as recorder:
        recorder.step(0, {"correlations": STEPS[0]})

    assert [list(log.series) for log in open_logs(tmp_path)] == [["correlations"]] * RUNS
