import re

import numpy as np
import pytest

from probes.analysis.study import Study
from probes.analysis.theory.example import example_study
from probes.analysis.theory.recipe import (
    correlation_series,
    exponent,
    is_theory,
    moments,
    race_series,
    single_view_share,
)
from probes.errors import LogError
from probes.log.evaluation import Evaluation
from probes.log.layout import Series
from probes.log.manifest import Manifest
from probes.log.memory import memory_log
from tests.analysis.hand import log_of, random_values


def test_the_correlations_are_found_whatever_their_name():
    assert correlation_series(log_of(random_values(), name="fc.weight")).name == "fc.weight"


def test_the_series_called_correlations_goes_before_others_of_its_layout():
    values = random_values()
    series = [
        Series(name, ("class", "neuron", "feature_class", "view"), values.shape[1:]) for name in ("x", "correlations")
    ]
    log = memory_log(Manifest("a", tuple(series)), np.arange(7), {"x": values, "correlations": values})

    assert correlation_series(log).name == "correlations"


def test_a_log_of_another_layout_is_refused_in_one_line():
    log = log_of(random_values()[:, :, :, 0], name="conv1.weight", dims=("neuron", "dim", "view"))
    with pytest.raises(LogError) as caught:
        correlation_series(log)

    assert str(caught.value) == (
        "run `a`: expected one series (class, neuron, feature_class, view) with as many feature classes as classes, "
        "got `conv1.weight` ('neuron', 'dim', 'view') (3, 4, 2); read other series by `log[name]`"
    )


def test_a_race_needs_two_views():
    with pytest.raises(LogError, match=r"^run `a`: expected two views a class, for which M is defined, got 3$"):
        race_series(log_of(random_values(views=3)))


def test_a_race_needs_its_initialisation():
    message = (
        "run `a`: expected step 0, the initialisation, as the first recorded step, got 5; record it from the start"
    )
    with pytest.raises(LogError, match=f"^{message}$"):
        race_series(log_of(random_values(), steps=np.arange(5, 12)))


def test_constants_come_from_the_evaluation_before_the_recipe():
    recipe = {"data": {"mu": 0.2}, "network": {"q": 4}}
    log = log_of(random_values(), recipe=recipe, evaluation=Evaluation({}, {"mu": 0.1}))

    assert (single_view_share(log), exponent(log)) == (0.1, 4)


def test_what_nobody_says_is_not_made_up():
    log = log_of(random_values())

    assert single_view_share(log) is None
    assert moments(log) is None


@pytest.mark.parametrize(("recipe", "got"), [({}, "None"), ({"network": {"q": 2}}, "2.0")])
def test_an_exponent_that_gives_no_race_is_refused(recipe, got):
    message = (
        "run `a`: expected the activation's exponent `q` >= 3 in the evaluation or under `network` in the recipe, got "
        f"{got}; without it the moments S cannot be weighed"
    )
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        exponent(log_of(random_values(), recipe=recipe))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, False),
        ({"evaluation": Evaluation({}, {"mu": 0.1})}, False),
        ({"evaluation": Evaluation({}, {"mu": 0.1, "q": 3})}, True),
        ({"recipe": {"network": {}, "data": {}}}, False),
        ({"recipe": {"network": {}, "data": {}}, "study": "0123"}, True),
    ],
)
def test_a_study_is_of_the_theory_by_its_evaluation_or_its_recipe(facts, expected):
    assert is_theory(Study(log_of(random_values(), **facts))) is expected


def test_one_run_of_another_kind_makes_it_no_study_of_the_theory():
    assert not is_theory(Study([*example_study(), log_of(random_values(), "b")]))
