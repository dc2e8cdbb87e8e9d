"""The command in a process of its own, and its tables."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import zoo.cli
from zoo.cli import main
from zoo.cli._output import metric, short, size, table

ROOT = Path(__file__).resolve().parents[2]


def process(*argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TF_CPP", "ZOO_", "PYTHON"))}
    return subprocess.run(
        [sys.executable, *argv], cwd=ROOT, env=kept | environment, capture_output=True, text=True
    )


@pytest.mark.parametrize("argv", [["--help"], ["train", "--help"], ["show", "none"]])
def test_help_loads_no_engine(argv: list[str]) -> None:
    done = process("-X", "importtime", "-m", "zoo", *argv)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "jsonargparse" in loaded
    heavy = {"keras", "tensorflow", "tensorflow_datasets", "sklearn", "matplotlib", "tokenizers"}
    assert loaded & heavy == set()
    assert done.returncode == (2 if "none" in argv else 0)
    assert ("usage: zoo" in done.stdout) == ("--help" in argv)


def test_the_engine_is_quiet() -> None:
    done = process("-m", "zoo", "list", "--json")
    assert done.returncode == 0
    assert done.stderr == ""
    assert "Translator" in json.loads(done.stdout)["applications"]


def test_version_and_help_return(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"zoo {zoo.__version__}\n"
    for command in zoo.cli._COMMANDS:
        assert main([command, "-h"]) == 0
        out = capsys.readouterr().out
        assert "--json" in out and "--seed" in out


def test_tables_are_aligned() -> None:
    assert table(["a", "bcd"], [["long", "x"], ["", "y"]]).split("\n") == [
        "a     bcd",
        "----  ---",
        "long  x",
        "      y",
    ]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("bleu", 34.123, "34.12 of 100"),
        ("cer", 0.0512, "5.12 %"),
        ("perplexity", 12.0, "12.00"),
        ("nll", 1.5, "1.50 nats"),
        ("other", 1.0, "1.00"),
    ],
)
def test_numbers_have_units(name: str, value: float, text: str) -> None:
    assert metric(name, value) == text


def test_sizes() -> None:
    assert [size(5), size(51_200), size(11_800_000)] == ["5 B", "51 kB", "11.8 MB"]
    assert short("x" * 40) == "x" * 33 + "..."
