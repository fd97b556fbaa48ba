import re

import pytest

from probes.learners.gaussian_recipes import GaussianRecipe
from probes.learners.recipe_files import as_mapping, built_in, from_mapping, override, parse, to_toml
from probes.learners.recipes import Recipe


def test_the_kind_of_data_says_which_recipe_it_is():
    assert isinstance(parse("[data]\nkind = 'teacher_labels'"), GaussianRecipe)
    assert isinstance(parse("[data]\nkind = 'multi_view'"), Recipe)


def test_values_are_changed_by_their_keys():
    recipe = override(built_in("gaussian-inputs"), {"data.teacher": "residual", "network.kind": "convolutional"})
    assert (recipe.data.teacher, recipe.network.kind) == ("residual", "convolutional")
    assert from_mapping(as_mapping(recipe)) == parse(to_toml(recipe)) == recipe


def test_the_built_in_recipe_states_the_defaults():
    assert built_in("gaussian-inputs") == GaussianRecipe(name="gaussian-inputs")


KIND = "[data]\nkind = 'teacher_labels'\n"
REFUSED = [
    (f"{KIND}views = 2", "unknown key `data.views`: expected "),
    (f"{KIND}[noise]\ndim = 3", "unknown key `noise`: expected name, seed, data, network, training, runs, measuring"),
    (f"seed = -1\n{KIND}", "expected `seed` >= 0, got -1"),
    (f"{KIND}[runs]\nsingle = 0", "expected `runs.single` >= 1, got 0"),
    (f"{KIND}[runs]\nmembers = 0", "expected `runs.members` >= 1, got 0"),
    (f"{KIND}[measuring]\nmonitor_every = 0", "expected `measuring.monitor_every` >= 1, got 0"),
    (f"{KIND}[network]\nkind = 'patch'", "expected `network.kind` as one of linear, fully_connected, convolutional, "),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_cannot_be_is_refused_with_the_reason(text, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        parse(text)
