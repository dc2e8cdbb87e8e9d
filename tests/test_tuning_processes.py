"""Searches whose trials and workers are processes of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from zoo._tuning_workers import check_address, free_address, supervise

ROOT = Path(__file__).resolve().parents[1]
RECIPE = """data: emoji_names/en-de
split: train[:16]
validation_split: validation[:4]
application: Translator
config: {units: 8, embedding_size: 8, vocabulary_size: 280}
training: {epochs: 1}
search_space:
  config.units: [8]
  config.embedding_size: 8
  config.depth: 1
  config.decoder_depth: 1
  config.projection_units: null
  config.recurrent: [lstm, gru]
"""

pytestmark = pytest.mark.slow


FULL_DISK = """import errno, os, pathlib
fsync = os.fsync


def refuse(file):
    full = pathlib.Path({full!r})
    if not full.exists():
        return fsync(file)
    full.unlink()
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


if "_tuning_trial" in " ".join(__import__("sys").orig_argv):
    os.fsync = refuse
"""


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    (folder / "r.yaml").write_text(RECIPE)
    return subprocess.Popen(
        [sys.executable, "-m", "zoo", "tune", "r.yaml", "--out", "best", "--json", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), str(ROOT)))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[dict[str, Any], str]:
    out, err = process.communicate()
    assert process.returncode == 0, err
    return json.loads(out), err


def wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.1)


def test_trials_and_the_search_are_killed(tmp_path: Path) -> None:
    process = start(tmp_path, "--trials", "2")
    wait_for(tmp_path / "best.tuning" / "trial_0" / "recipe.json")
    process.kill()
    process.communicate()
    found, err = ended(start(tmp_path, "--trials", "2"))
    assert [trial["status"] for trial in found["trials"]] == ["completed"] * 2
    assert (tmp_path / "best" / "model.safetensors").exists()
    assert "Trial 1: val_bleu" in err


def test_the_disk_of_a_trial_is_full(tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.touch()
    (tmp_path / "sitecustomize.py").write_text(FULL_DISK.format(full=str(full)))
    process = start(tmp_path, "--trials", "1")
    _, err = process.communicate()
    assert process.returncode == 2
    assert "cannot be written down: No space left on device. Mend that" in err
    assert "Traceback" not in err
    assert not list((tmp_path / "best.tuning").rglob("result.json"))
    assert not full.exists()
    found, _ = ended(start(tmp_path, "--trials", "1"))
    assert [trial["status"] for trial in found["trials"]] == ["completed"]


def test_a_killed_worker_is_started_again(tmp_path: Path) -> None:
    process = start(tmp_path, "--trials", "3", "--workers", "2")
    folder = tmp_path / "best.tuning"
    wait_for(folder / "trial_1" / "recipe.json")  # both workers have a trial by now
    os.kill(int((folder / "worker1.pid").read_text()), signal.SIGKILL)
    found, err = ended(process)
    assert "worker1 died (by signal SIGKILL), and is started again." in err
    assert [trial["number"] for trial in found["trials"]] == [0, 1, 2]
    assert [trial["status"] for trial in found["trials"]] == ["completed"] * 3
    state = json.loads((folder / "oracle.json").read_text())
    assert sorted(state["end_order"]) == ["0", "1", "2"]


def test_a_worker_that_always_dies(tmp_path: Path) -> None:
    told: list[str] = []
    command = [sys.executable, "-c", "raise SystemExit(3)"]
    with pytest.raises(RuntimeError, match="worker dies again and again: see .*worker.txt"):
        supervise(command, tmp_path, "127.0.0.1:1", ["worker"], told.append)
    assert told == ["worker died (exit code 3), and is started again."] * 4


def test_addresses() -> None:
    assert check_address(free_address()).startswith("127.0.0.1:")
    with pytest.raises(ValueError, match="`coordinator` must be HOST:PORT. Received: 'host:'"):
        check_address("host:")
