import inspect

import pytest

from probes import estimators
from probes.launch.estimator_options import ESTIMATORS

# What a command line cannot give, or is given by the file and the tapped layer.
_NOT_TYPED = {"inputs", "labels", "layout", "class_names", "source"}


def test_every_estimator_can_be_named():
    assert set(ESTIMATORS) == set(estimators.__all__) - {"Patches"}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_its_settings_are_those_of_the_function(name):
    parameters = inspect.signature(getattr(estimators, name)).parameters
    own = {key: each for key, each in parameters.items() if key not in _NOT_TYPED}
    required = [key for key, each in own.items() if each.default is inspect.Parameter.empty and key != "name"]

    assert set(ESTIMATORS[name].settings) == set(own)
    assert required == [ESTIMATORS[name].required][: bool(ESTIMATORS[name].required)]
    assert ESTIMATORS[name].labelled == ("labels" in parameters)
    for key, each in own.items():
        if isinstance(each.default, bool | int | float | str):
            assert ESTIMATORS[name].settings[key] is type(each.default)
