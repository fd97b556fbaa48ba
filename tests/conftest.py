import pytest

from probes.studies import record_study
from probes.studies.recipe_files import built_in


@pytest.fixture(scope="session")
def tiny_root(tmp_path_factory):
    """The tiny study, recorded once; tests only read it."""
    return record_study(built_in("tiny"), tmp_path_factory.mktemp("tiny") / "runs")
