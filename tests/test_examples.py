"""The examples in docstrings run and print what they say; every public name has one."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import zoo

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def modules() -> list[str]:
    """The zoo's modules; folder by folder, so that a checkout's other folders are left out."""
    names = ["zoo"]
    for package in ("zoo", "zoo.layers", "zoo.applications"):
        folder = Path(importlib.import_module(package).__file__).parent
        found = pkgutil.walk_packages([str(folder)], prefix=f"{package}.")
        names += [module.name for module in found]
    return sorted({*names, "zoo.layers", "zoo.applications"})


@pytest.mark.parametrize("name", modules())
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=FLAGS)
    assert result.failed == 0


@pytest.mark.parametrize("name", [name for name in zoo.__all__ if name not in zoo._SUBMODULES])
def test_every_public_name_has_an_example(name: str) -> None:
    assert ">>> " in (getattr(zoo, name).__doc__ or "")
