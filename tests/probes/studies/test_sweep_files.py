import math

import pytest

from probes.errors import UsageError
from probes.schedules import every
from probes.studies.recipe_files import built_in
from probes.studies.sweep import over_seeds
from probes.studies.sweep_files import is_sweep_file, load_sweep
from probes.studies.tables import to_toml

NAMES = "name, base, seeds, set, grid, random, cases, record"


@pytest.fixture
def sweep(tmp_path):
    """Writes a sweep of the recipe `tiny` and loads it."""

    def load(text, **options):
        (tmp_path / "mine.toml").write_text(f'base = "tiny"\n{text}')
        return load_sweep(tmp_path / "mine.toml", **options)

    return load


def values(found):
    return [tuple(point.values.values()) for point in found.points]


def test_a_grid_is_every_combination(sweep):
    found = sweep("[grid]\nnetwork.q = [3, 4]\n'data.missing_view' = [0.01, [0.02, 0.03]]\n")
    assert found.keys == ("network.q", "data.missing_view")
    assert values(found) == [(3, [0.01, 0.01]), (3, [0.02, 0.03]), (4, [0.01, 0.01]), (4, [0.02, 0.03])]
    assert found.points[1].recipe.data.missing_view == (0.02, 0.03)


def test_cases_hold_values_that_belong_together(sweep):
    text = "[[cases]]\nnetwork.q = 3\ntraining.steps = 5\n[[cases]]\nnetwork.q = 4\ntraining.steps = 9\n"
    assert values(sweep(f"{text}[grid]\nnetwork.neurons = [4, 5]\n")) == [(3, 5, 4), (3, 5, 5), (4, 9, 4), (4, 9, 5)]


def test_random_values_lie_in_their_ranges_and_follow_from_the_seed(sweep):
    text = (
        "[random]\nsamples = 40\nseed = {}\nnetwork.neurons = {{low = 2, high = 4}}\nnetwork.q = [3, 5]\n"
        "network.init_scale = {{low = 1e-4, high = 1e-2, log = true}}\ndata.missing_view = {{low = 0, high = 0.1}}\n"
    )
    found = values(sweep(text.format(1)))
    assert found == values(sweep(text.format(1))) != values(sweep(text.format(2)))
    assert [set(column) for column in list(zip(*found, strict=True))[:2]] == [{2, 3, 4}, {3, 5}]
    scales, shown = [one[2] for one in found], [one[3] for one in found]
    assert -3.4 < sum(map(math.log10, scales)) / 40 < -2.6
    assert all(1e-4 <= scale <= 1e-2 for scale in scales)
    assert all(low == high and 0 <= low <= 0.1 for low, high in shown)


def test_seeds_are_a_list_or_how_many(sweep):
    assert [point.recipe.seed for point in sweep("seeds = [4, 2]").points] == [4, 2]
    assert [point.recipe.seed for point in sweep("seeds = 2").points] == [0, 1]


def test_the_base_is_changed_by_the_file_then_by_the_caller(sweep):
    text = "[set]\nnetwork.q = 4\ntraining.steps = 7\n[grid]\nnetwork.neurons = [5]\n"
    recipe = sweep(text, settings={"network.q": "5"}).points[0].recipe
    assert (recipe.network.q, recipe.training.steps, recipe.network.neurons) == (5, 7, 5)


def test_a_base_may_be_a_file_beside_the_sweep(tmp_path):
    (tmp_path / "base.toml").write_text(to_toml(built_in("theory")))
    (tmp_path / "mine.toml").write_text('base = "base.toml"\nseeds = 1\n')
    assert load_sweep(tmp_path / "mine.toml").points[0].recipe == built_in("theory")


def test_what_is_kept_is_stated_or_little(sweep):
    stated = sweep('seeds = 1\n[record]\nschedule = "every(5)"\nweights = true\n')
    assert (str(stated.schedule), stated.weights) == ("every(5)", True)
    assert (str(sweep("seeds = 1").schedule), sweep("seeds = 1").weights) == ("every(50)", False)
    assert str(sweep("seeds = 1", schedule=every(3)).schedule) == "every(3)"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "expected `seeds`, or values in [grid], [random] or [[cases]], got none"),
        ("[grid]", "expected `seeds`, or values in [grid], [random] or [[cases]], got none"),
        ("[grid]\nnetwork.q = []", "expected a list of values for `grid.network.q`, got []"),
        ("[grid]\nnetwork.q = 3", "expected a list of values for `grid.network.q`, got 3"),
        ("grid = 3", "expected `grid` to be a table, got 3"),
        ("[grid]\nseed = [1]", "expected the seeds under `seeds`, got a key `seed`"),
        ("girds = 3\n[grid]\nnetwork.q = [3]", f"unknown key `girds`: expected {NAMES}"),
        (
            "[grid]\nnetwork.neuron = [3]",
            "unknown key `network.neuron`: expected neurons, q, threshold, init_scale, kind (nearest: neurons) "
            "(at network.neuron = 3)",
        ),
        (
            "[grid]\nnetwork.neurons = ['a']",
            "expected `network.neurons` of type int, got 'a' (at network.neurons = \"a\")",
        ),
        (
            "[grid]\nnetwork.q = [3]\n[random]\nsamples = 3",
            "expected [grid] or [random], got both: make two sweeps of them",
        ),
        ("[random]\nnetwork.q = [3]", "expected `random.samples` as a whole number >= 1, got None"),
        ("[random]\nsamples = 2", "expected keys with {low, high} or lists in [random], got none"),
        (
            "[random]\nsamples = 2\nnetwork.q = {low = 4, high = 3}",
            "expected a list or {low, high, log} with low < high for `random.network.q`, got {'low': 4, 'high': 3}",
        ),
        (
            "[random]\nsamples = 2\nnetwork.init_scale = {low = 0, high = 3, log = true}",
            "expected low > 0 with log in `random.network.init_scale`, got 0.0",
        ),
        ("cases = 3", "expected `cases` as tables, [[cases]], got something else"),
        ("seeds = [-1]", "expected `seeds` as a list of numbers >= 0, or how many, got [-1]"),
        ("seeds = 1\n[record]\nweight = true", "unknown key `record.weight`: expected schedule, weights, taps"),
        ("seeds = 1\n[record]\nweights = 1", "expected `record.weights` of type bool, got 1"),
        ("seeds = 1\nrecord = 1", "expected `record` to be a table, got 1"),
    ],
)
def test_what_is_no_sweep_is_refused_in_one_line(sweep, tmp_path, text, line):
    with pytest.raises(UsageError, match=r"mine\.toml: ") as error:
        sweep(text)
    assert str(error.value) == f"{tmp_path / 'mine.toml'}: {line}"


def test_a_sweep_without_base_is_refused(tmp_path):
    (tmp_path / "mine.toml").write_text("[grid]\nnetwork.q = [3]\n")
    with pytest.raises(UsageError, match="expected `base`, a recipe's name or file, got None"):
        load_sweep(tmp_path / "mine.toml")


@pytest.mark.parametrize(
    ("text", "answer"), [("[grid]", True), ("base = 'tiny'", True), ("[network]\nq = 3", False), ("[broken", False)]
)
def test_a_sweep_is_told_from_a_recipe(tmp_path, text, answer):
    (tmp_path / "mine.toml").write_text(text)
    assert is_sweep_file(tmp_path / "mine.toml") is answer
    assert not is_sweep_file("tiny")


@pytest.mark.parametrize(("taps", "own_class"), [("full", False), ("own_class", True)])
def test_it_says_which_correlations_are_recorded(sweep, taps, own_class):
    assert sweep(f"seeds = 1\n[record]\ntaps = '{taps}'\n").own_class is own_class
    assert not sweep("seeds = 1\n").own_class


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("taps = 'own'", "expected `record.taps` full or own_class, got 'own'"),
        ("taps = true", "expected `record.taps` of type str, got True"),
    ],
)
def test_other_correlations_are_refused(sweep, tmp_path, text, line):
    with pytest.raises(UsageError, match=f"^{tmp_path / 'mine.toml'}: {line}$"):
        sweep(f"seeds = 1\n[record]\n{text}\n")


def test_seeds_alone_are_the_studies_that_the_command_line_records(sweep):
    found = sweep('seeds = [4, 5]\n[record]\nschedule = "every(1)"\nweights = true\n')
    same = over_seeds(built_in("tiny"), range(4, 6), schedule=every(1))

    assert [(point.name, point.recipe) for point in found.points] == [(one.name, one.recipe) for one in same.points]
    assert (found.keys, found.weights, str(found.schedule)) == (same.keys, same.weights, str(same.schedule))
