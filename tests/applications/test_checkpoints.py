"""Checkpoints are whole or not there."""

import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.applications._checkpoints import CheckpointError, Checkpoints

ARRAYS = {"weights.0": np.arange(6, dtype="float32")}


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    made = Checkpoints(tmp_path / "run", keep=2)
    made.open()
    return made


def names(checkpoints: Checkpoints) -> list[str]:
    return sorted(path.name for path in checkpoints.folder.iterdir())


def test_the_last_ones_are_kept(checkpoints: Checkpoints) -> None:
    for step in (3, 10, 7, 12):
        checkpoints.save(step, {"step": step}, ARRAYS)
    assert checkpoints.steps() == [10, 12]
    assert names(checkpoints) == [".lock", "step-0000000010", "step-0000000012"]
    found = checkpoints.latest()
    assert found is not None
    assert found[0] == {"step": 12}
    np.testing.assert_array_equal(found[1]["weights.0"], ARRAYS["weights.0"])
    checkpoints.remove()
    assert not checkpoints.folder.exists()


def test_the_same_step_is_replaced(checkpoints: Checkpoints) -> None:
    for value in (1, 2):
        checkpoints.save(3, {"value": value}, ARRAYS)
    assert checkpoints.latest() is not None
    assert checkpoints.latest()[0] == {"value": 2}  # type: ignore[index]


def test_none(checkpoints: Checkpoints) -> None:
    assert checkpoints.latest() is None
    assert Checkpoints(checkpoints.folder / "nowhere", 1).steps() == []


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("damage", [Path.unlink, cut_off, flip_a_bit])
@pytest.mark.parametrize("name", ["arrays.safetensors", "state.json", "manifest.json"])
def test_one_that_is_damaged_is_passed_over(
    checkpoints: Checkpoints, name: str, damage: Any
) -> None:
    for step in (1, 2):
        checkpoints.save(step, {"step": step}, ARRAYS)
    damage(checkpoints.folder / "step-0000000002" / name)
    with pytest.warns(UserWarning, match="checkpoint of step 2 cannot be used, and the one before"):
        found = checkpoints.latest()
    assert found is not None and found[0] == {"step": 1}
    assert checkpoints.steps() == [1]


def test_a_full_disk(checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            file.write(data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(CheckpointError, match=r"No space left on device; there is none before it"):
        checkpoints.save(1, {}, ARRAYS)
    monkeypatch.undo()
    checkpoints.save(1, {}, ARRAYS)
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(
        CheckpointError, match=r"No space left.*; that of step 1 is kept: make room"
    ):
        checkpoints.save(2, {}, ARRAYS)
    assert names(checkpoints) == [".lock", "step-0000000001"]


def test_one_process_at_a_time(checkpoints: Checkpoints) -> None:
    other = Checkpoints(checkpoints.folder, keep=2)
    with pytest.raises(CheckpointError, match="Another process is at work in .*run: wait"):
        other.open()
    checkpoints.close()
    other.open()
    other.close()


def test_what_a_crash_left_is_cleared(checkpoints: Checkpoints) -> None:
    checkpoints.save(1, {}, ARRAYS)
    half = checkpoints.folder / ".step-0000000002.1a2b3c4d.new"
    half.mkdir()
    (half / "arrays.safetensors").write_bytes(b"half")
    checkpoints.close()
    checkpoints.open()
    assert names(checkpoints) == [".lock", "step-0000000001"]


def test_strangers_stay(checkpoints: Checkpoints) -> None:
    (checkpoints.folder / "notes.txt").write_text("mine")
    checkpoints.save(1, {}, ARRAYS)
    checkpoints.remove()
    assert names(checkpoints) == ["notes.txt"]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match=r"checkpoints in .*run cannot be used: Not a dir"):
        Checkpoints(tmp_path / "file" / "run", 1).open()
