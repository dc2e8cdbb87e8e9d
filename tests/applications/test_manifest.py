"""A preset folder is the old one or the new one, whatever happens while it is written."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zoo.applications import _manifest
from zoo.applications._manifest import PresetError, check_target, recover, verify, whole_folder

ROOT = Path(__file__).resolve().parents[2]


def write(folder: Path, text: str) -> None:
    with whole_folder(folder) as fresh:
        (fresh / "config.json").write_text(text)
        (fresh / "model.safetensors").write_text(text * 2)


def contents(folder: Path) -> str:
    verify(folder)
    text = (folder / "config.json").read_text()
    assert (folder / "model.safetensors").read_text() == text * 2
    return text


@pytest.fixture(params=["exchange", "renames"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to replace a folder."""
    if request.param == "renames":
        monkeypatch.setattr(_manifest, "_exchange", lambda one, other: False)
    return request.param


def test_write_and_replace(way: str, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "preset"
    for text in ("old", "new", "newer"):
        write(folder, text)
        assert contents(folder) == text
        assert list(folder.parent.iterdir()) == [folder]
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "manifest.json",
        "model.safetensors",
    ]
    assert folder.stat().st_mode & 0o777 == (tmp_path / "deep").stat().st_mode & 0o777


def test_an_empty_folder_is_filled(way: str, tmp_path: Path) -> None:
    (tmp_path / "preset").mkdir()
    write(tmp_path / "preset", "new")
    assert contents(tmp_path / "preset") == "new"


# The child dies before its k-th change to the disk, for every k until it lives.
CRASHES = """
import ctypes, json, os, pathlib, shutil, sys
from tests.applications.test_manifest import contents, write
from zoo.applications import _manifest

way, root = sys.argv[1], pathlib.Path(sys.argv[2])
outcomes = []
for step in range(100):
    folder = root / str(step) / "preset"
    write(folder, "old")
    child = os.fork()
    if child == 0:
        count = 0
        def dying(function):
            def call(*args, **kwargs):
                global count
                if count == step:
                    os._exit(9)
                count += 1
                return function(*args, **kwargs)
            return call
        exchange = _manifest._exchange if way == "exchange" else lambda one, other: False
        _manifest._exchange = dying(exchange)
        for name in ("mkdir", "rename", "replace", "fsync", "unlink", "rmdir"):
            setattr(os, name, dying(getattr(os, name)))
        pathlib.Path.write_text = dying(pathlib.Path.write_text)
        write(folder, "new")
        os._exit(0)
    lived = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    there = folder.is_dir()
    _manifest.recover(folder)
    first = contents(folder)
    write(folder, "next")
    outcomes.append([there, first, contents(folder)])
    if lived:
        break
print(json.dumps(outcomes))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.parametrize("way", ["exchange", "renames"])
def test_a_crash_at_any_step_leaves_the_old_or_the_new(way: str, tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", CRASHES, way, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    outcomes = json.loads(result.stdout)
    firsts = [first for _, first, _ in outcomes]
    assert firsts[0] == "old" and firsts[-1] == "new"
    assert firsts == sorted(firsts, reverse=True), "it went back"
    assert {later for _, _, later in outcomes} == {"next"}
    assert len(outcomes) > 8
    # Only where the system cannot swap is there a moment with neither, and `recover` ends it.
    missing = sum(not there for there, _, _ in outcomes)
    assert missing == 0 if way == "exchange" else missing == 1


@pytest.mark.parametrize("failing", [1, 2])
def test_a_rename_that_fails_is_undone(
    failing: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "preset", "old")
    monkeypatch.setattr(_manifest, "_exchange", lambda one, other: False)
    rename, calls = os.rename, []

    def fail(*args: Any) -> None:
        calls.append(args)
        if len(calls) == failing:
            raise OSError(errno.EIO, "disk trouble")
        rename(*args)

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(PresetError, match=r"cannot be written to .*preset: .*disk trouble"):
        write(tmp_path / "preset", "new")
    assert contents(tmp_path / "preset") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["preset"]


def test_a_block_that_fails_leaves_nothing(tmp_path: Path) -> None:
    write(tmp_path / "preset", "old")
    with pytest.raises(KeyboardInterrupt), whole_folder(tmp_path / "preset") as fresh:
        (fresh / "config.json").write_text("new")
        raise KeyboardInterrupt
    assert contents(tmp_path / "preset") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["preset"]


def strange_file(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")


def strange_in_preset(folder: Path) -> None:
    write(folder, "old")
    (folder / ".git").mkdir()


def plain_file(folder: Path) -> None:
    folder.write_text("mine")


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (strange_file, r"is not empty and no preset \(such as thesis.txt\): choose another"),
        (strange_in_preset, r"holds files of others \(such as .git\)"),
        (plain_file, "is a file: choose another place"),
    ],
)
def test_what_others_wrote_is_not_lost(
    prepare: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    prepare(tmp_path / "place")
    before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
    with pytest.raises(PresetError, match=message):
        write(tmp_path / "place", "new")
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == before
    with pytest.raises(PresetError, match=message):
        check_target(tmp_path / "place")


def test_targets(tmp_path: Path) -> None:
    with pytest.raises(PresetError, match="name a folder"):
        check_target(Path("/"))
    check_target(tmp_path / "none")
    (tmp_path / "train.yaml").write_text("recipe")
    check_target(tmp_path, mine=("train.yaml",))
    with pytest.raises(PresetError, match=r"such as train.yaml"):
        check_target(tmp_path)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PresetError, match="cannot be written to"):
        write(tmp_path / "file" / "preset", "new")


def test_recover_leaves_strangers_alone(tmp_path: Path) -> None:
    for name in (".preset.old", ".preset.12345678.old", ".preset.x.12345678.old"):
        (tmp_path / name).mkdir()
    recover(tmp_path / "preset")
    recover(tmp_path / "nowhere" / "preset")
    assert not (tmp_path / "preset").exists()
    assert len(list(tmp_path.iterdir())) == 3


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(PresetError, match="There is no preset folder at"):
        verify(tmp_path / "none")
