"""Presets come back as they were saved, each with its card, from wherever they are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.applications.fake_application import Speller, change_json, one_sentence, registry
from zoo.applications import _cards, _presets
from zoo.applications._manifest import read_manifest
from zoo.applications._presets import (
    PresetError,
    list_presets,
    load_preset,
    preset_folder,
    read_card,
    save_preset,
    update_card,
    verify,
)

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.usefixtures("fakes")


def test_round_trip(speller: Speller, preset: Path) -> None:
    loaded = load_preset(preset, Speller)
    assert type(loaded) is Speller
    assert loaded.alphabet == "abcde"
    np.testing.assert_array_equal(loaded.probe(), speller.probe())
    assert sorted(path.name for path in preset.iterdir()) == [
        "alphabet.json",
        "card.json",
        "config.json",
        "manifest.json",
        "model.safetensors",
    ]
    content = json.loads((preset / "config.json").read_text("utf-8"))
    assert content == {
        "class_name": "Speller",
        "config": {"units": 3, "depth": 1, "dropout": 0.0},
    }


def test_a_loaded_application_trains_and_is_saved_again(preset: Path, tmp_path: Path) -> None:
    loaded = load_preset(preset)
    before = loaded.probe()
    loaded.compile("sgd", "mse")
    loaded.fit(np.ones((2, 4), "int32"), np.ones((2, 4, 5), "float32"), verbose=0)
    assert np.abs(loaded.probe() - before).max() > 1e-6
    save_preset(loaded, preset)
    np.testing.assert_array_equal(load_preset(preset).probe(), loaded.probe())
    assert [path.name for path in preset.parent.iterdir()] == [preset.name]


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_loads_in_another_process(
    backend: str, speller: Speller, saved: Path, tmp_path: Path
) -> None:
    pytest.importorskip(backend)
    command = [sys.executable, "-m", "tests.applications.fake_application", str(saved)]
    result = subprocess.run(
        [*command, str(tmp_path / "outputs.npy")],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == [backend]
    outputs = np.load(tmp_path / "outputs.npy")
    np.testing.assert_allclose(outputs, speller.probe(), atol=1e-6)


def test_importing_needs_neither_keras_nor_tensorflow() -> None:
    code = (
        "import sys; from zoo.applications._presets import list_presets; list_presets(); "
        "print([name for name in ('keras', 'tensorflow', 'jax') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_overrides(preset: Path, speller: Speller) -> None:
    loaded = load_preset(preset, dropout=0.3)
    assert loaded.dropout == 0.3
    np.testing.assert_array_equal(loaded.probe(), speller.probe())
    with pytest.raises(PresetError, match="no argument 'dropuot'; did you mean 'dropout'") as error:
        load_preset(preset, dropuot=0.3)
    one_sentence(error)
    with pytest.raises(PresetError, match=r"`units` must be a positive integer. Received: units=0"):
        load_preset(preset, units=0)
    with pytest.raises(PresetError, match="shape"):
        load_preset(preset, units=5)


def test_a_folder_behind_a_link_and_bystanders_are_fine(preset: Path) -> None:
    (preset / ".gitattributes").write_text("")
    (preset / "README.md").write_text("")
    link = preset.parent / "link"
    link.symlink_to(preset)
    verify(link)
    assert load_preset(str(link)).units == 3


def test_saving_through_a_link_keeps_the_link(speller: Speller, preset: Path) -> None:
    link = preset.parent / "link"
    link.symlink_to(preset)
    save_preset(speller, link, card={"description": "new"})
    assert link.is_symlink()
    assert read_card(preset)["description"] == "new"


def test_float16(speller: Speller, tmp_path: Path) -> None:
    save_preset(speller, tmp_path / "half", dtype="float16")
    weights = load_file(tmp_path / "half" / "model.safetensors")
    assert {array.dtype for array in weights.values()} == {np.dtype("float16")}
    loaded = load_preset(tmp_path / "half")
    assert loaded.weights[0].dtype == "float32"
    np.testing.assert_allclose(loaded.probe(), speller.probe(), atol=2e-3)


def test_card_and_recipe(speller: Speller, tmp_path: Path) -> None:
    recipe = tmp_path / "train.yaml"
    recipe.write_text("application: Speller\n")
    folder = tmp_path / "speller_small"
    save_preset(speller, folder, card={"licence": "open", "bytes": 0}, recipe=recipe)
    card = read_card(folder)
    assert tuple(card) == _cards.CARD_KEYS
    assert (card["name"], card["application"]) == ("speller_small", "Speller")
    assert (card["licence"], card["metrics"]) == ("open", [])
    assert card["parameters"] == speller.count_params()
    files = [path for path in folder.iterdir() if path.name not in ("card.json", "manifest.json")]
    assert card["bytes"] == sum(path.stat().st_size for path in files)
    assert (folder / "train.yaml").read_text() == recipe.read_text()

    metrics = [{"data": "d", "split": "test", "seed": 1, "decoding": {}, "values": {"cer": 0.5}}]
    update_card(folder, metrics=metrics)
    assert read_card(folder) == {**card, "metrics": metrics}
    assert load_preset(folder).units == 3
    with pytest.raises(PresetError, match="unknown key 'metric'; did you mean 'metrics'"):
        update_card(folder, metric=[])


def test_a_recipe_may_wait_in_its_folder(speller: Speller, tmp_path: Path) -> None:
    folder = tmp_path / "speller_small"
    folder.mkdir()
    (folder / "recipe.yaml").write_text("application: Speller\n")
    for _ in range(2):
        save_preset(speller, folder, recipe=folder / "recipe.yaml")
        assert (folder / "recipe.yaml").read_text() == "application: Speller\n"
        assert "recipe.yaml" in read_manifest(folder)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(PresetError, match="holds files of others"):
        save_preset(speller, folder, recipe=folder / "recipe.yaml")
    assert (folder / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ({"license": "open"}, "unknown key 'license'; did you mean 'licence'"),
        ({"licence": "mine"}, "must be open or research. Received: 'mine'"),
        ({"metrics": {"bleu": 1}}, "must be a list"),
        ({"data": object()}, "cannot be written as JSON"),
        ({"metrics": [{"values": {"bleu": float("nan")}}]}, "cannot be written as JSON"),
    ],
)
def test_bad_cards_leave_nothing_behind(
    card: dict[str, Any], message: str, speller: Speller, tmp_path: Path
) -> None:
    with pytest.raises(PresetError, match=message) as error:
        save_preset(speller, tmp_path / "new", card=card)
    one_sentence(error)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_saved(speller: Speller, tmp_path: Path) -> None:
    class Stranger(Speller):
        pass

    folder = tmp_path / "new"
    with pytest.raises(PresetError, match="Stranger is not a registered application"):
        save_preset(Stranger(), folder)
    with pytest.raises(PresetError, match="has no weights yet"):
        save_preset(Speller(), folder)
    with pytest.raises(PresetError, match=r"`recipe` must be a .yaml file"):
        save_preset(speller, folder, recipe=tmp_path / "none.yaml")
    with pytest.raises(ValueError, match=r'`dtype` must be "float16"'):
        save_preset(speller, folder, dtype="int8")
    broken = Speller()
    broken.adapt("ab")
    broken.embedding.embeddings.assign(np.full((2, 4), np.inf))
    with pytest.raises(PresetError, match="'embedding.embeddings' is not finite"):
        save_preset(broken, folder)
    assert list(tmp_path.iterdir()) == []


def test_a_name_of_ones_own(speller: Speller, tmp_path: Path, monkeypatch: Any) -> None:
    own = registry()
    own._entries["spell-checker"] = own._entries.pop("Speller")
    monkeypatch.setattr(_presets, "_registry", lambda: own)
    save_preset(speller, tmp_path / "p")
    assert json.loads((tmp_path / "p" / "config.json").read_text())["class_name"] == "spell-checker"
    assert type(load_preset(tmp_path / "p")) is Speller


def test_finding(preset: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_cards, "SHIPPED", tmp_path / "none")
    assert list_presets() == []
    monkeypatch.setattr(_cards, "SHIPPED", tmp_path)
    (tmp_path / "no_card").mkdir()
    assert list_presets() == list_presets("*small*") == ["speller_small"]
    assert list_presets("translator*") == []
    assert preset_folder("speller_small") == preset_folder(preset) == preset
    assert read_card("speller_small")["application"] == "Speller"
    for bad, message in [
        ("speler_small", "did you mean 'speller_small'"),
        ("zzz", "shipped: speller_small"),
        ("", "no preset or folder ''"),
        ("a\0b", "no preset or folder"),
        ("x" * 5000, "no preset or folder"),
        (str(preset / "card.json"), "is a file"),
        (3, "Received: 3 of type int"),
        ("hf://only", "hf://owner/name"),
        ("hf://../..", "hf://owner/name"),
    ]:
        with pytest.raises(PresetError, match=message) as error:
            preset_folder(bad)  # type: ignore[arg-type]
        one_sentence(error)


def test_broken_cards(preset: Path) -> None:
    change_json(preset / "card.json", lambda card: card.pop("licence"))
    with pytest.raises(PresetError, match="lacks licence"):
        read_card(preset)
    (preset / "card.json").unlink()
    with pytest.raises(PresetError, match=r"card.json is missing"):
        read_card(preset)


def test_the_hub(preset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's client keeps a snapshot made of links; what we load is made of files."""
    hub = pytest.importorskip("huggingface_hub")
    snapshot = tmp_path / "hub" / "snapshots" / "abc123"
    snapshot.mkdir(parents=True)
    for path in preset.iterdir():
        (snapshot / path.name).symlink_to(path)
    asked = []

    def download(name: str, **options: Any) -> str:
        asked.append(name)
        return str(snapshot)

    monkeypatch.setattr(hub, "snapshot_download", download)
    monkeypatch.setattr(hub.constants, "HF_HOME", str(tmp_path / "home"))
    for _ in range(2):
        assert load_preset("hf://owner/speller").units == 3
    assert asked == ["owner/speller"] * 2
    assert len(list((tmp_path / "home" / "zoo" / "owner--speller").iterdir())) == 1
    assert read_manifest(preset_folder("hf://owner/speller")) == read_manifest(preset)

    def fail(name: str, **options: Any) -> str:
        raise ConnectionError("no route to host\nmore")

    monkeypatch.setattr(hub, "snapshot_download", fail)
    message = "hf://owner/speller cannot be fetched: no route to host"
    with pytest.raises(PresetError, match=message) as error:
        load_preset("hf://owner/speller")
    one_sentence(error)
