"""Trainings and searches that end at random moments, in processes of their own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


def killed(*options: str) -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", "benchmarks/interruptions.py", "--json", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_killed_and_started_again() -> None:
    found = killed("--kills", "4")
    assert found["killed"] == found["undisturbed"]
    assert [line.split(",")[0] for line in found["kills"]] == ["killed"] * 4
    assert found["left"] == []


@pytest.mark.slow
@pytest.mark.parametrize(("application", "kills"), [("adder", 20), ("language_model", 8)])
def test_killed_often(application: str, kills: int) -> None:
    found = killed("--kills", str(kills), "--seed", "1", "--what", application)
    assert found["killed"] == found["undisturbed"]
    assert [line.split(",")[0] for line in found["kills"]] == ["killed"] * kills
    # Of the preset of the best epoch nothing half written stays either.
    assert all(name.split("/")[0] == "preset" for name in found["left"])


@pytest.mark.slow
def test_a_search_is_killed_and_the_disk_is_full() -> None:
    found = killed("--what", "search", "--kills", "6", "--seed", "1", "--full")
    assert found["killed"] == found["undisturbed"]
    assert found["left"] == []
    assert [line.split(",")[0] for line in found["kills"]] == ["killed", "disk full"] * 3
    full = next(line for line in found["kills"] if line.startswith("disk full"))
    assert "No space left on device. Mend that, and start the same search again" in full
