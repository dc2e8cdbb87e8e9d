"""The first command, on a preset small enough to be made here."""

import json
from pathlib import Path

import pytest

from tests.tiny_preset import make
from zoo import Translator, quickstart
from zoo.applications import raw_pairs
from zoo.applications._presets import read_card
from zoo.cli import main
from zoo.training import evaluate, load_recipe


@pytest.fixture(scope="module")
def preset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("presets") / "tiny")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A few pairs of each split, and a folder of its own."""
    from zoo import datasets

    whole = datasets.load
    sizes = {"train": 32, "validation": 4, "test": 8}
    monkeypatch.setattr(
        datasets,
        "load",
        lambda name, split="train", *more: whole(name, f"{split}[:{sizes[split]}]", *more),
    )
    monkeypatch.chdir(tmp_path)


def test_the_whole_way(preset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quickstart", "--preset", str(preset), "--epochs", "1", "--json"]) == 0
    printed = capsys.readouterr().out
    found = json.loads(printed)
    assert printed.count("\n") == 1
    assert list(found) == ["before", "after", "preset_dir"]
    assert found["preset_dir"] == str(tmp_path / "translator_emoji_en_de")
    tuned = Translator.from_preset(found["preset_dir"])
    decoding = quickstart.DECODING
    untuned = Translator.from_preset(preset)
    assert found["before"] == evaluate(untuned, quickstart.DATA, decoding=decoding)
    assert found["after"] == evaluate(tuned, quickstart.DATA, decoding=decoding)
    assert found["before"] != found["after"]
    (entry,) = read_card(found["preset_dir"])["metrics"]
    assert (entry["data"], entry["split"]) == (quickstart.DATA, "test")
    assert entry["values"] == found["after"]
    recipe = load_recipe(tmp_path / "translator_emoji_en_de" / "recipe.yaml")
    assert (recipe.preset, recipe.training.epochs) == (str(preset), 1)


def test_what_people_see(preset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "translator_emoji_en_de").mkdir()
    (tmp_path / "translator_emoji_en_de" / "mine.txt").write_text("kept")
    assert main(["quickstart", "--preset", str(preset), "--epochs", "1"]) == 0
    printed = capsys.readouterr().out
    assert "is for research use" in printed
    assert "Saved in translator_emoji_en_de_2." in printed
    assert "zoo run translator_emoji_en_de_2" in printed
    assert "zoo finetune" in printed
    for column in ("metric", "before", "after", "reference", "bleu", "chrf", "of 100"):
        assert column in printed
    assert (tmp_path / "translator_emoji_en_de" / "mine.txt").read_text() == "kept"


def test_it_asks_for_a_translator(
    preset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Other:
        adapted = paired = True
        data_kind = "pairs"
        raw = staticmethod(raw_pairs)

    monkeypatch.setattr("zoo.applications.Application.from_preset", lambda *a, **k: Other())
    with pytest.raises(ValueError, match="`preset` must be a translator. Received: .*an? Other"):
        quickstart.quickstart(str(preset), tmp_path / "out")
