"""The package imports from the right place, whole, however it was installed.

Each way is proved in a virtual environment of its own.
"""

import json
import shutil
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.environments import (
    FOLDERS,
    ROOT,
    copy_tree,
    install,
    make_environment,
    run,
    site_packages,
)

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGES: list[str] = SETTINGS["tool"]["setuptools"]["packages"]
MAX_WHEEL_BYTES = 90 * 1000 * 1000

PROBE = f"""
import importlib, importlib.metadata, importlib.util, json
import zoo, zoo.layers, zoo.applications
for package in {PACKAGES!r}:
    importlib.import_module(package)
print(json.dumps({{
    "zoo": zoo.__file__,
    "zoo.layers": zoo.layers.__file__,
    "zoo.applications": zoo.applications.__file__,
    "version": zoo.__version__,
    "path": list(zoo.__path__),
    "class": zoo.LSTM.__module__,
    "bare": [name for name in ("layers", "applications") if importlib.util.find_spec(name)],
}}))
"""


def probe(python: Path, cwd: Path) -> dict[str, Any]:
    return json.loads(run(python, "-c", PROBE, cwd=cwd).splitlines()[-1])


def contents(tree: Path) -> set[str]:
    """The files of a source tree that belong in an installation, by their installed names."""
    return {
        (Path(package.replace(".", "/")) / path.relative_to(tree / folder)).as_posix()
        for package, folder in FOLDERS.items()
        for path in (tree / folder).rglob("*")
        if path.is_file()
    }


def assert_from_site_packages(python: Path, found: dict[str, Any]) -> None:
    zoo = site_packages(python) / "zoo"
    assert found["zoo"] == str(zoo / "__init__.py")
    assert found["zoo.layers"] == str(zoo / "layers" / "__init__.py")
    assert found["zoo.applications"] == str(zoo / "applications" / "__init__.py")
    assert found["path"] == [str(zoo)]
    assert found["class"].startswith("zoo.layers.")
    assert found["bare"] == []


def assert_from_tree(tree: Path, found: dict[str, Any]) -> None:
    assert found["zoo"] == str(tree / "zoo" / "__init__.py")
    assert found["zoo.layers"] == str(tree / "layers" / "__init__.py")
    assert found["zoo.applications"] == str(tree / "applications" / "__init__.py")
    assert found["class"].startswith("zoo.layers.")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    return copy_tree(folder)


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """The source tree, its sdist, and the wheel built from that sdist."""
    source = copy_tree(tmp_path_factory.mktemp("source"))
    dist = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, cwd=source)
    (sdist,), (wheel,) = dist.glob("*.tar.gz"), dist.glob("*.whl")
    return source, sdist, wheel


@pytest.fixture
def python(tmp_path: Path) -> Path:
    return make_environment(tmp_path / "venv")


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


def test_bare_checkout(python: Path, tree: Path) -> None:
    found = probe(python, cwd=tree)
    assert_from_tree(tree, found)
    assert found["path"] == [str(tree / "zoo"), str(tree)]


def test_plain_install(python: Path, tree: Path, empty: Path) -> None:
    install(python, tree, cwd=empty)
    shutil.rmtree(tree)
    assert_from_site_packages(python, probe(python, cwd=empty))


def test_editable_install(python: Path, tree: Path, empty: Path) -> None:
    install(python, "--editable", tree, cwd=empty)
    found = probe(python, cwd=empty)
    assert_from_tree(tree, found)
    assert found["bare"] == []


def test_sdist(
    python: Path, artifacts: tuple[Path, Path, Path], empty: Path, tmp_path: Path
) -> None:
    _, sdist, _ = artifacts
    with tarfile.open(sdist) as archive:
        # Python before 3.11.4 has no filters, and would refuse the argument.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(tmp_path / "unpacked")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    assert contents(unpacked) == contents(artifacts[0])
    install(python, sdist, cwd=empty)
    assert_from_site_packages(python, probe(python, cwd=empty))


def test_wheel(python: Path, artifacts: tuple[Path, Path, Path], empty: Path) -> None:
    source, _, wheel = artifacts
    assert wheel.stat().st_size < MAX_WHEEL_BYTES
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == contents(source), "name every package and its data in pyproject.toml"
    install(python, wheel, cwd=empty)
    found = probe(python, cwd=empty)
    assert_from_site_packages(python, found)
    script = "from importlib.metadata import version; print(version('lstm-zoo'))"
    assert run(python, "-c", script, cwd=empty).strip() == found["version"]
    assert "usage" in run(python.parent / "zoo", "--help", cwd=empty).lower()


def test_every_package_is_listed() -> None:
    found = {
        ".".join([package, *init.parent.relative_to(ROOT / folder).parts])
        for package, folder in FOLDERS.items()
        for init in (ROOT / folder).rglob("__init__.py")
    }
    assert sorted(PACKAGES) == sorted(found)


def test_every_module_lies_in_a_package() -> None:
    stray = [
        path.relative_to(ROOT).as_posix()
        for folder in FOLDERS.values()
        for path in (ROOT / folder).rglob("*.py")
        if not (path.parent / "__init__.py").is_file()
    ]
    assert stray == []


def test_torch_is_never_required() -> None:
    extras = SETTINGS["project"]["optional-dependencies"].values()
    wanted = [*SETTINGS["project"]["dependencies"], *(line for extra in extras for line in extra)]
    assert [line for line in wanted if line.startswith("torch")] == []
