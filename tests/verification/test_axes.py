import h5py
import numpy as np
import pytest
from tests.probes.log.runs import FORMS, closed, manifest

from probes.log.verification.axes import axes_faults

AXES = "step, class, correlations.neuron, feature_class, view"


@pytest.fixture
def faults(tmp_path):
    """What is found after a change of the file."""

    def found(change):
        path = closed(tmp_path / "seed-0").path / "log.h5"
        with h5py.File(path, "a") as file:
            change(file)
        with h5py.File(path) as file:
            return list(axes_faults(file, manifest()))

    return found


@pytest.mark.parametrize("form", ["one block", "packed", "segmented", "resumed"])
def test_axes_as_they_were_written_have_no_fault(tmp_path, form):
    with h5py.File(FORMS[form](tmp_path / "seed-0").path / "log.h5") as file:
        assert list(axes_faults(file, manifest())) == []


def other_label(file):
    file["correlations"].dims[1].label = "sample"


def no_scale(file):
    file["correlations"].dims[4].detach_scale(file["view"])


def other_unit(file):
    file["correlations"].attrs["units"] = "m"


def other_precision(file):
    file["correlations"].attrs["precision"] = "bits:9"


def other_names(file):
    file["view"][0] = "up"


def other_numbers(file):
    file["class"][0] = 7


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (other_label, f"expected axes {AXES} of `/correlations`, got others"),
        (no_scale, f"expected axes {AXES} of `/correlations`, got others"),
        (other_unit, "expected unit '1' of `/correlations`, got another"),
        (other_precision, "expected precision '' of `/correlations`, got another"),
        (other_names, "expected the labels that run.json has along `view`, got others"),
        (other_numbers, "expected the labels that run.json has along `class`, got others"),
    ],
)
def test_what_is_not_as_run_json_says_is_named(faults, change, line):
    assert faults(change) == [line]


def numbers_for_names(file):
    del file["view"]
    file["view"] = np.arange(2)


def test_numbers_are_no_names(faults):
    assert "expected the labels that run.json has along `view`, got others" in faults(numbers_for_names)


def names_elsewhere(file):
    layout = h5py.VirtualLayout((2,), h5py.string_dtype())
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (2,), h5py.string_dtype())
    del file["view"]
    file.create_virtual_dataset("view", layout)


def test_names_in_another_file_are_not_read(faults):
    with pytest.raises(ValueError, match=r"^data of other files, or filters, in `/view`$"):
        faults(names_elsewhere)
