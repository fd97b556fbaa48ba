import h5py
import numpy as np
import pytest
from tests.probes.log.runs import FORMS, STEPS, arrays, scalars, segmented

from probes.log.exports import pack


@pytest.mark.parametrize("form", FORMS)
def test_a_log_of_any_form_is_packed_into_one_file(tmp_path, form):
    log = FORMS[form](tmp_path / "seed-0")
    pack(log, tmp_path / "one.h5")

    with h5py.File(tmp_path / "one.h5") as file:
        np.testing.assert_array_equal(file["correlations"], arrays()["correlations"])
        np.testing.assert_array_equal(file["step"], STEPS)
        assert not file["correlations"].is_virtual
        assert len(file["scalars/train~1loss/step"]) >= len(scalars())
    if hasattr(log, "writer"):
        log.writer.close()


def test_packing_overwrites_nothing(tmp_path):
    (tmp_path / "one.h5").write_text("mine")
    with pytest.raises(FileExistsError, match="File exists"):
        pack(segmented(tmp_path / "seed-0"), tmp_path / "one.h5")
