import re
import tomllib
from configparser import ConfigParser

import pytest

import probes
from tests.repository.floors import AREAS
from tests.repository.sources import ROOT, packaged

SETUP = ConfigParser()
SETUP.read(ROOT / "setup.cfg")
EXTRAS = {name: SETUP["options.extras_require"][name] for name in SETUP["options.extras_require"]}
DISTRIBUTION = {"sklearn": "scikit-learn", "dask": "distributed", "PIL": "pillow"}


def names(requirements):
    return {re.split(r"[<>=\[]", line)[0] for line in requirements.split()}


REQUIRED = names(SETUP["options"]["install_requires"])
PINNED = dict(
    line.split("==") for line in (ROOT / "requirements/constraints.txt").read_text().splitlines() if line[0] != "#"
)


def test_every_package_is_installed():
    packages = {name for name, path in packaged().items() if path.name == "__init__.py"}

    assert set(SETUP["options"]["packages"].split()) == packages


def test_the_build_file_holds_the_build_system_alone():
    text = (ROOT / "pyproject.toml").read_text()

    assert list(tomllib.loads(text)) == ["build-system"]
    assert len(text.splitlines()) == 3


def test_the_version_stands_in_one_place():
    assert SETUP["metadata"]["version"] == "attr: probes.__version__"
    assert re.fullmatch(r"\d+\.\d+\.\d+", probes.__version__)


def test_what_is_imported_is_required():
    imported = set().union(*(area.others for name, area in AREAS.items() if not name.startswith("scripts.")))

    assert imported - REQUIRED == set()


def test_what_is_imported_late_is_required_or_an_extra():
    late = {DISTRIBUTION.get(name, name) for area in AREAS.values() for name in area.late}
    offered = REQUIRED.union(*map(names, EXTRAS.values()))

    assert late - offered == set()


@pytest.mark.parametrize("name", sorted(REQUIRED | names(EXTRAS["dev"])))
def test_what_scripts_install_is_pinned(name):
    pinned = {re.sub(r"[-_.]+", "-", key).lower() for key in PINNED}

    assert name in pinned


def test_torch_is_pinned_for_any_build():
    assert PINNED["torch"] == "2.13.0"
