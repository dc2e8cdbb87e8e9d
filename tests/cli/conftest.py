"""A tiny preset, and the command line in this process."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_preset import make
from zoo.cli import main


def tree(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("presets") / "tiny")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ZOO_DATA_DIR", raising=False)
    return tmp_path


@pytest.fixture
def preset(made: Path, folder: Path) -> str:
    """A copy to change, by a relative path."""
    shutil.copytree(made, folder / "tiny")
    return "tiny"


Run = Callable[..., Any]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command that must succeed, and returns what it printed: an object with --json."""

    def call(*argv: str) -> Any:
        code = main(argv)
        out, err = capsys.readouterr()
        assert code == 0, err
        if "--json" not in argv:
            return out
        assert out.count("\n") == 1 and out.endswith("\n")
        return json.loads(out)

    return call


@pytest.fixture
def fail(capsys: pytest.CaptureFixture[str], folder: Path) -> Run:
    """Runs a command that must fail, and returns its one sentence."""

    def call(*argv: str, code: int = 2) -> str:
        before = tree(folder)
        assert main(argv) == code
        out, err = capsys.readouterr()
        assert out == ""
        assert tree(folder) == before
        last = err.splitlines()[-1]
        assert err.count("zoo: ") == 1 and last.startswith("zoo: ")
        assert "Traceback" not in err
        assert last[-1] in ".?"
        return last.removeprefix("zoo: ")

    return call
