"""What a user installs: built once, put into an environment of its own, and tried beside folders of the same names."""

import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile

import pytest

from tests.repository.sources import ROOT

SHIPPED_FROM = ("probes", "learners", "analysis", "requirements", "scripts", "tests", "typings")
TOP = ("setup.cfg", "pyproject.toml", "MANIFEST.in", "LICENSE", "CHANGELOG.md", "README.md")
IMPORT = """
from importlib import import_module
for name in ("analysis", "learners", "probes.analysis", "probes.learners"):
    print(import_module(name).__file__)
"""


def run(*arguments, cwd):
    result = subprocess.run(list(map(str, arguments)), cwd=cwd, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stderr or result.stdout
    return result.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with the source archive and the wheel that was made from it."""
    source = tmp_path_factory.mktemp("source")
    for folder in SHIPPED_FROM:
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"), symlinks=True)
    for name in TOP:
        shutil.copy(ROOT / name, source / name)

    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", "dist", cwd=source)
    return source / "dist"


@pytest.fixture(scope="module")
def environment(built, tmp_path_factory):
    """A fresh environment with the wheel; its dependencies are those of this one, so that nothing is fetched."""
    folder = tmp_path_factory.mktemp("environment")
    (wheel,) = built.glob("*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    installer = (sys.executable, "-m", "pip", "--python", folder / "bin/python", "install", "--no-index", "--no-deps")
    run(*installer, wheel, cwd=folder)

    (site,) = folder.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder


@pytest.fixture
def project(tmp_path):
    """A user's own project with folders named like ours."""
    for name in ("analysis", "learners"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    return tmp_path


def test_the_command_runs(environment, project):
    text = run(environment / "bin/probes", "--help", cwd=project)

    assert "Record what every neuron learns" in text


def test_ours_are_imported_beside_a_projects_own(environment, project):
    own_analysis, own_learners, analysis, learners = run(environment / "bin/python", "-c", IMPORT, cwd=project).split()

    (site,) = environment.glob("lib/python*/site-packages")
    assert (own_analysis, own_learners) == (f"{project}/analysis/__init__.py", f"{project}/learners/__init__.py")
    assert (analysis, learners) == (f"{site}/probes/analysis/__init__.py", f"{site}/probes/learners/__init__.py")


def test_the_wheel_holds_the_package_alone(built):
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}

    assert tops == {"probes", f"{wheel.name.rpartition('-py3')[0]}.dist-info"}


def test_the_wheel_holds_every_file_of_the_package(built):
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if name.startswith("probes/")}

    folders = {"probes": "probes", "learners": "probes/learners", "analysis": "probes/analysis"}
    paths = ((path, folder) for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file())
    files = {f"{folders[folder]}/{path.relative_to(ROOT / folder)}" for path, folder in paths if path.suffix != ".pyc"}
    assert shipped == files


def test_neither_archive_holds_tests_or_scripts(built):
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        folders = {name.split("/")[1] for name in archive.getnames() if name.count("/") > 1}

    assert folders == {"analysis", "feature_probes.egg-info", "learners", "probes"}


def test_a_checkout_works_uninstalled(tmp_path):
    for folder in ("probes", "learners", "analysis"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    line = "import probes.analysis, probes.learners; print(probes.analysis.__file__, probes.learners.__file__)"

    found = run(sys.executable, "-c", line, cwd=tmp_path).split()
    assert found == [f"{tmp_path}/analysis/__init__.py", f"{tmp_path}/learners/__init__.py"]
