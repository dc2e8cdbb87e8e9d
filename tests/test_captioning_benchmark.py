"""The benchmark of captioners: what it compares with is what it says."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import captioning
from tests.applications.colours import COLOURS, tiny


def plain(colour: str, brightness: float = 1.0) -> np.ndarray:
    return np.full((8, 8, 3), np.array(COLOURS[colour]) * brightness, "uint8")


def test_captions_come_from_the_most_similar_picture() -> None:
    train = [(plain(colour), [f"all {colour} here", colour]) for colour in ("red", "blue", "green")]
    test = [(plain("green", 0.7), ["all green here"]), (plain("red", 0.9), ["all red here"])]
    found = captioning.nearest(tiny(), train, test)
    assert found["bleu1"] == 100
    swapped = [(test[0][0], test[1][1]), (test[1][0], test[0][1])]
    assert captioning.nearest(tiny(), train, swapped)["bleu1"] < 70


def test_the_most_typical_caption() -> None:
    captions = ["a dog", "a brown dog runs on grass", "a brown dog runs", "two cats"]
    assert captioning.most_typical(captions) == "a brown dog runs"
    assert captioning.most_typical(["alone"]) == "alone"


def test_features_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.Captioner", tiny)
    found = captioning.features([plain(colour) for colour in COLOURS])
    assert all(value > 0 for value in found.values())


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = []
    for colour in COLOURS:
        Image.fromarray(plain(colour)).save(tmp_path / f"{colour}.png")
        lines.append(f"{colour}.png,all {colour}\n")
    (tmp_path / "captions.csv").write_text("".join(lines))
    assert captioning.main(["--data", str(tmp_path / "absent.csv"), "x"]) == 2
    assert capsys.readouterr().err.startswith("captioning: ")
    pictures = captioning.load(str(tmp_path), "train[50%:]")
    assert [captions for _, captions in pictures] == [["all green"], ["all black"]]
    found = captioning.score(tiny(), [captioning.blank()] * 2, pictures, {"beam_size": 1})
    assert json.loads(json.dumps(found)) == found
