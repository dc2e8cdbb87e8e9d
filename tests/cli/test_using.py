"""The commands that use presets."""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import zoo.cli
from tests.tiny_preset import write_pairs
from zoo import Translator, training
from zoo.applications._presets import read_card, verify

DATA = "emoji_names/en-de:test[:6]"


Run = Callable[..., Any]


def test_list(run: Run) -> None:
    found = run("list", "--json")
    assert list(found) == ["presets", "cells", "applications", "datasets"]
    assert "peephole_lstm" in found["cells"]
    assert "Translator" in found["applications"]
    assert "emoji_names" in found["datasets"]
    assert [entry["name"] for entry in found["presets"]] == zoo.list_presets()
    text = run("list", "--seed", "1")
    assert "cells: " in text and "peephole_lstm" in text


def test_list_shows_licence_and_numbers(
    run: Run, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.applications._cards.SHIPPED", made.parent)
    (entry,) = run("list", "--json")["presets"]
    assert entry["name"] == "tiny" and entry["licence"] == "research"
    assert entry["parameters"] == read_card(made)["parameters"]
    text = run("list")
    for word in ("licence", "research", "Translator", "kB", "not measured"):
        assert word in text


def test_show(run: Run, preset: str) -> None:
    assert run("show", preset, "--json") == read_card(Path(preset))
    text = run("show", preset)
    assert "licence" in text and "research" in text and "zoo train recipe.yaml" in text


def test_run_takes_arguments_or_lines(
    run: Run, preset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    translator = Translator.from_preset(preset)
    texts = ["red apple", "", "a\u2028b"]
    expected = translator.translate(texts)
    assert run("run", preset, *texts, "--json")["outputs"] == expected
    assert run("run", "--json", preset, "--seed", "3", *texts)["inputs"] == texts
    monkeypatch.setattr(sys, "stdin", io.StringIO("red apple\r\n\na\u2028b\n"))
    found = run("run", preset, "--json")
    assert found == {"preset": preset, "inputs": texts, "outputs": expected}
    assert run("run", preset, "red apple") == expected[0] + "\n"
    assert run("run", preset, "--json", "--", "--json")["inputs"] == ["--json"]


def test_run_passes_decoding_on(run: Run, preset: str) -> None:
    translator = Translator.from_preset(preset)
    wide = translator.translate(["red apple"], beam_size=3, length_penalty=2.0)
    for options in (
        ["--beam-size", "3", "--length-penalty", "2"],
        ["--beam_size=3", "--length_penalty=2.0"],
        ["--decoding.beam_size", "3", "--decoding.length-penalty", "2"],
        ["--decoding", '{"beam_size": 3, "length_penalty": 2}'],
    ):
        assert run("run", preset, "red apple", *options, "--json")["outputs"] == wide
    (best,) = run(
        "run", preset, "red apple", "--beam-size", "2", "--decoding.n_best", "2", "--json"
    )["outputs"]
    assert len(best) == 2 and isinstance(best[0][1], float)


def test_evaluate(run: Run, preset: str) -> None:
    expected = training.evaluate(Translator.from_preset(preset), "emoji_names/en-de", "test[:6]")
    found = run("evaluate", preset, "--data", DATA, "--json")
    assert list(found) == ["preset", "data", "split", "metrics"]
    assert found == {
        "preset": preset,
        "data": "emoji_names/en-de",
        "split": "test[:6]",
        "metrics": expected,
    }
    write_pairs(Path("talk.tsv"), 4)
    found = run("evaluate", preset, "--data", "talk.tsv", "--json")
    assert (found["data"], found["split"]) == ("talk.tsv", "test")
    text = run("evaluate", preset, "--data", "talk.tsv")
    assert "bleu" in text and "of 100" in text and "4 pairs" in text


def test_the_cards_numbers_are_repeated(run: Run, preset: str) -> None:
    first = run(
        "evaluate",
        preset,
        "--data",
        DATA,
        "--beam-size",
        "3",
        "--seed",
        "5",
        "--update-card",
        "--json",
    )
    verify(preset)
    (entry,) = read_card(Path(preset))["metrics"]
    assert entry == {
        "data": "emoji_names/en-de",
        "split": "test[:6]",
        "seed": 5,
        "decoding": {"beam_size": 3},
        "values": first["metrics"],
    }
    # Without options, as the card says it was measured; with them, as they say.
    assert run("evaluate", preset, "--data", DATA, "--json") == first
    assert "beam_size 3; seed 5" in run("show", preset)
    run("evaluate", preset, "--data", DATA, "--beam-size", "1", "--update-card")
    # Each way of decoding has its place; the first one goes on being the card's.
    metrics = read_card(Path(preset))["metrics"]
    assert [entry["decoding"] for entry in metrics] == [{"beam_size": 3}, {"beam_size": 1}]
    assert run("evaluate", preset, "--data", DATA, "--json") == first
    run("evaluate", preset, "--data", DATA, "--beam-size", "3", "--seed", "6", "--update-card")
    assert [entry["seed"] for entry in read_card(Path(preset))["metrics"]] == [6, 5]
