import re

import pytest

from probes.studies.recipe_files import built_in, from_mapping, load, names, override, parse
from probes.studies.tables import as_mapping, to_toml


@pytest.mark.parametrize("name", names())
def test_every_built_in_recipe_survives_toml_and_json(name):
    recipe = built_in(name)
    assert recipe.name == name
    assert parse(to_toml(recipe)) == recipe
    assert from_mapping(as_mapping(recipe)) == recipe


def test_any_name_survives_toml():
    named = override(built_in("tiny"), {"name": r'"a \"b\" \\ \n \u00e9"'})
    assert named.name == 'a "b" \\ \n \u00e9'
    assert parse(to_toml(named)) == named


def test_a_file_is_a_recipe_too(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("name = 'mine'\n[network]\nneurons = 9\n")
    assert load(path).network.neurons == 9
    assert load(path).training == parse("").training


def test_settings_change_single_values_of_their_own_type():
    changed = override(built_in("tiny"), {"data.own": "[1, 1.5]", "runs.updates": '["literal"]', "name": "mine"})
    assert (changed.data.own, changed.runs.updates, changed.name) == ((1.0, 1.5), ("literal",), "mine")
    assert changed.training == built_in("tiny").training


REFUSED = [
    (
        "colour = 3",
        "unknown key `colour`: expected name, seed, data, noise, network, training, distilled, continued, "
        "fresh, runs, measuring",
    ),
    (
        "[network]\nneuron = 8",
        "unknown key `network.neuron`: expected neurons, q, threshold, init_scale, kind (nearest: neurons)",
    ),
    ("[network]\nneurons = 8.5", "expected `network.neurons` of type int, got 8.5"),
    ("[network]\nneurons = true", "expected `network.neurons` of type int, got True"),
    ("data = 3", "expected `data` to be a table, got 3"),
    ("[runs.single]\na = 1", "expected `runs.single` to be a value, got a table"),
    ("[data]\nkind = 'three'", "unknown `data.kind` 'three': expected multi_view, two_class"),
    ("[data]\nown = 1.0", "expected `data.own` of type list, got 1.0"),
    ("[data]\nown = [1.0]", "expected `data.own` as 2 values, got [1.0]"),
    ("[data]\nown_split = ['even']", "expected `data.own_split` of type str, got ['even']"),
    ("[data]\nkind = [3]", "unknown `data.kind` [3]: expected multi_view, two_class"),
    ("[data]\nnoise = nan", "expected `data.noise` to be finite, got nan"),
    ("[training]\nlearning_rate = inf", "expected `training.learning_rate` to be finite, got inf"),
    ("seed = -1", "expected `seed` >= 0, got -1"),
    ("[noise]\nform = 'pink'", 'expected `noise.form` "private" or "gaussian", got \'pink\''),
    (
        "[noise]\nform = 'gaussian'\ndim = 24",
        "expected `noise.dim` > 24 (2 features a class) for gaussian noise, got 24",
    ),
    ("[network]\nneurons = 0", "expected `network.neurons` >= 1, got 0"),
    ("[network]\nq = 2", "expected an integer `q` >= 3 (with less there is no race between views), got 2"),
    (
        "[network]\ninit_scale = 0.0",
        "expected `network.init_scale` in (0, 1], got 0.0: neurons that start at zero never move",
    ),
    (
        "[network]\nkind = 'ntk'",
        "expected `network.kind` as one of patch, tangent, random_features, got 'ntk'",
    ),
    ("[training]\nsamples = 3", "expected `training.samples` >= 12 (one a class), got 3"),
    (
        "[training]\nsamples = 20\nbatch_size = 21",
        "expected `training.batch_size` <= 20 (`training.samples`), got 21",
    ),
    ("[training]\noptimizer = 'lion'", 'expected `optimizer` "sgd" or "adam", got \'lion\''),
    (
        "[network]\nkind = 'tangent'\n[training]\nmomentum = 0.5",
        "expected full-batch gradient descent for `network.kind` 'tangent', got Optimizer(name='sgd', batch_size=0, "
        "momentum=0.5, betas=(0.9, 0.999), eps=1e-08)",
    ),
    ("[fresh]\nsteps = 0", "expected `fresh.steps` >= 1, got 0"),
    ("[distilled]\nlearning_rate = 0.0", "expected `distilled.learning_rate` > 0, got 0.0"),
    ("[fresh]\nteacher_scale = 0.0", "expected `fresh.teacher_scale` > 0, got 0.0"),
    ("[distilled]\ntemperature = 2.0", "expected `temperature` (tau) in (0, 1], got 2.0"),
    ("[runs]\nsingle = 0", "expected `runs.single` >= 1, got 0"),
    ("[runs]\naverage = -1", "expected `runs.average` >= 0, got -1"),
    ("[runs]\nsingle = 1", "expected `runs.single` >= 2 for self-distillation (a teacher beside the student), got 1"),
    ("[runs]\nupdates = []", 'expected at least one of "stopped" and "literal" in `runs.updates`, got none'),
    ("[measuring]\nmonitor_every = 0", "expected `measuring.monitor_every` >= 1, got 0"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=[text.replace("\n", " ") for text, _ in REFUSED])
def test_what_cannot_be_is_refused_with_the_reason(text, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse(text)


def test_keys_at_their_defaults_that_came_later_name_no_run_and_are_written_out_in_toml():
    recipe = built_in("tiny")
    assert "momentum" not in as_mapping(recipe)["training"]
    assert as_mapping(recipe, whole=True)["training"]["betas"] == [0.9, 0.999]
    assert "\nmomentum = 0.0\n" in to_toml(recipe)
    changed = override(recipe, {"training.momentum": "0.5"})
    assert as_mapping(changed)["training"] == {**as_mapping(recipe)["training"], "momentum": 0.5}


def test_an_unknown_name_gets_the_nearest_ones():
    message = (
        f"unknown recipe `theorie`: expected {', '.join(names())} (nearest: theory, theory-strict), or a TOML file"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        load("theorie")


def test_a_broken_file_is_named(tmp_path):
    (tmp_path / "mine.toml").write_text("[network\n")
    with pytest.raises(ValueError, match=rf"^{re.escape(str(tmp_path / 'mine.toml'))}: Expected '\]'"):
        load(tmp_path / "mine.toml")


def test_a_key_below_a_value_is_refused():
    with pytest.raises(ValueError, match=r"^unknown key `network\.q\.x`: `q` is a value, not a table$"):
        override(built_in("tiny"), {"network.q.x": "1"})
