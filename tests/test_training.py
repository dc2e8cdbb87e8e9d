"""Recipes: reading, checking, following them; fine-tuning; measuring."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tiny_preset import CONFIG, make, recipe, write_pairs
from zoo import Translator, training
from zoo.applications._presets import read_card, verify
from zoo.training import Recipe, Training, load_recipe, save_recipe


@pytest.fixture(scope="module")
def preset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("presets") / "tiny")


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


# Recipes.


def test_a_recipe_is_read_with_its_overrides(tmp_path: Path) -> None:
    path = write(
        tmp_path / "r.yaml",
        "data: x\nconfig: {units: 8, depth: 2}\ntraining: {epochs: 3, learning_rate: 1e-4}\n",
    )
    overrides = {"config": {"units": 4}, "training": {"epochs": 5}, "clean": {"max_length": 9}}
    found = load_recipe(path, overrides)
    assert found.config == {"units": 4, "depth": 2}
    # YAML 1.1 takes 1e-4 for a text.
    assert found.training == Training(epochs=5, learning_rate=1e-4)
    assert found.clean == {"max_length": 9}
    assert load_recipe(path).config["units"] == 8


def test_a_written_recipe_says_the_same(tmp_path: Path) -> None:
    original = recipe(training=Training(epochs=2, patience=1), seed=3, clean={"max_ratio": 2.0})
    save_recipe(original, tmp_path / "r.yaml")
    assert load_recipe(tmp_path / "r.yaml") == original


def test_where_the_data_lie_is_nobodys_business(tmp_path: Path) -> None:
    save_recipe(recipe(data_dir="/home/me"), tmp_path / "r.yaml")
    assert "/home/me" not in (tmp_path / "r.yaml").read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data: x\nextra_data: y", r"`extra_data` must be a list. Received: extra_data='y'"),
        ("data: x\nextra_data: [3]", r"`extra_data` must be a list of datasets.*Received: 3"),
        ("data: x\nlicense: open", r"has no field 'license'; did you mean 'licence'\?"),
        (
            "data: x\ntraining: {epoch: 3}",
            r"training has no field 'epoch'; did you mean 'epochs'\?",
        ),
        ("data: x\nzzzz: 3", r"has no field 'zzzz'; it takes application, clean, config, data,"),
        ("application: Translator", "must say which `data` to train on"),
        ("- 3", r"must hold fields \(`name: value`\). Received: \[3\]"),
        ("data: [", "is not a YAML file"),
        ("data: 3", "`data` must be a text. Received: data=3"),
        ("data: x\nseed: true", "`seed` must be a whole number. Received: seed=True"),
        ("data: x\nseed: -1", "`seed` must be from 0"),
        ("data: x\nconfig: 3", "`config` must be names with values"),
        ("data: x\ntraining: 3", "`training` must be names with values"),
        ("data: x\ntraining: {epochs: 1.5}", "`epochs` must be a whole number"),
        ("data: x\ntraining: {epochs: 0}", "`epochs` must be at least 1"),
        ("data: x\ntraining: {patience: 0}", "`patience` must be at least 1"),
        ("data: x\ntraining: {learning_rate: fast}", "`learning_rate` must be a number"),
        ("data: x\ntraining: {learning_rate: .nan}", "`learning_rate` must be a positive number"),
        ("data: x\ntraining: {clipnorm: 0}", "`clipnorm` must be a positive number"),
        ("data: x\ntraining: {warmup_steps: -1}", "`warmup_steps` must not be negative"),
        ("data: x\ntraining: {schedule: sine}", "`schedule` must be 'constant' or 'cosine'"),
        ("data: x\ndtype: float8", "`dtype` must be 'float32' or 'float16'"),
        ("data: x\nlicence: mine", "`licence` must be 'open' or 'research'"),
    ],
)
def test_what_is_wrong_with_a_recipe(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path / "r.yaml", text)
    with pytest.raises(ValueError, match=message) as caught:
        load_recipe(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_recipe_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="There is no recipe at .*none.yaml"):
        load_recipe(tmp_path / "none.yaml")
    with pytest.raises(ValueError, match="cannot be read"):
        load_recipe(tmp_path)
    (tmp_path / "r.yaml").write_bytes(b"data: \xff")
    with pytest.raises(ValueError, match="is not a YAML file"):
        load_recipe(tmp_path / "r.yaml")


# Following them.


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"application": None}, "must name either an `application` or a `preset`"),
        ({"application": "Translater"}, "did you mean 'Translator'"),
        ({"config": {"unts": 8}}, r"Translator has no argument 'unts'; did you mean 'units'\?"),
        ({"clean": {"max_lenght": 8}}, "did you mean 'max_length'"),
        ({"data": "emoji_nmes/en-de"}, "did you mean 'emoji_names'"),
        ({"split": "trian"}, "Unknown split 'trian'"),
    ],
)
def test_a_recipe_that_cannot_be_followed(
    tmp_path: Path, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        training.train(recipe(**fields), tmp_path / "out", verbose=0)
    assert list(tmp_path.iterdir()) == []


def test_files_are_never_validated_on_what_was_trained_on(tmp_path: Path) -> None:
    path = str(write_pairs(tmp_path / "talk.tsv"))
    with pytest.raises(ValueError, match="one undivided set"):
        training.prepare(recipe(data=path, split="train", validation_split="validation"))
    prepared = training.prepare(
        recipe(data=path, split="train[:15]", validation_split="train[15:]")
    )
    assert len(prepared.data[0]) == 15
    assert prepared.validation is not None
    assert not {*prepared.data[0]} & {*prepared.validation[0]}


def test_training_leaves_a_whole_preset(tmp_path: Path) -> None:
    out = tmp_path / "out"
    settings = Training(epochs=2, schedule="cosine", warmup_steps=1, patience=5)
    translator, history = training.train(
        recipe(training=settings, description="Names.", clean={"max_length": 20}), out, verbose=0
    )
    assert len(history["val_bleu"]) == 2
    verify(out)
    card = read_card(out)
    assert card["name"] == "out"
    assert card["command"] == "zoo train recipe.yaml"
    assert card["data"] == "emoji_names/en-de:train[:48]"
    assert load_recipe(out / "recipe.yaml").training == settings
    loaded = Translator.from_preset(out)
    for ours, theirs in zip(translator.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_more_data_are_trained_on_and_stated(tmp_path: Path) -> None:
    first = write_pairs(tmp_path / "first.tsv", 12)
    second = write_pairs(tmp_path / "second.tsv", 30)
    extra = [f"{second}:train[:20]"]
    more = recipe(data=str(first), split="train", validation_split=None, extra_data=extra)
    prepared = training.prepare(more)
    assert [len(part) for part in prepared.data] == [32, 32]
    assert training.card(more)["data"] == f"{first}:train, {second}:train[:20]"
    save_recipe(more, tmp_path / "r.yaml")
    assert load_recipe(tmp_path / "r.yaml") == more


def test_equal_seeds_give_equal_weights() -> None:
    first, second = (
        training.train(recipe(split="train[:8]", validation_split=None, seed=3), verbose=0)[0]
        for _ in range(2)
    )
    assert same_weights(first, second)
    start, other = (training.prepare(recipe(seed=seed)).application for seed in (3, 4))
    assert not same_weights(start, other)


def same_weights(one: Translator, other: Translator) -> bool:
    pairs = zip(one.get_weights(), other.get_weights(), strict=True)
    return all(np.array_equal(ours, theirs) for ours, theirs in pairs)


@pytest.mark.parametrize("place", ["others", "file", "file/below"])
def test_a_place_that_cannot_be_written_is_refused_before_training(
    tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "thesis.txt").write_text("years of work")
    (tmp_path / "file").write_text("more")
    monkeypatch.setattr(training, "prepare", lambda recipe: pytest.fail("work was begun"))
    with pytest.raises(ValueError, match="choose another place"):
        training.train(recipe(), tmp_path / place, verbose=0)
    assert (tmp_path / "others" / "thesis.txt").read_text() == "years of work"


def test_new_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = []
    for _ in range(3):
        names.append(training.new_folder("a").name)
        (tmp_path / names[-1]).mkdir()
    assert names == ["a", "a_2", "a_3"]


# Going on from a preset.


def test_finetuning_validates_on_the_datasets_own_split(preset: Path) -> None:
    found = training.finetuning(preset, "emoji_names/en-de", overrides={"training": {"epochs": 2}})
    assert (found.split, found.validation_split) == ("train", "validation")
    assert found.preset == str(preset)
    assert found.training == Training(**{**training.FINETUNING, "epochs": 2})


def test_finetuning_holds_out_a_tenth_of_a_file(preset: Path, tmp_path: Path) -> None:
    path = str(write_pairs(tmp_path / "talk.tsv", 20))
    prepared = training.prepare(training.finetuning(preset, path))
    assert len(prepared.data[0]) == 18
    assert prepared.validation == (["word 18", "word 19"], ["Wort 18", "Wort 19"])
    with pytest.raises(ValueError, match="name also a `validation_split`"):
        training.finetuning(preset, path, "train[:5]")
    own = training.finetuning(preset, path, "train[:5]", overrides={"validation_split": None})
    assert (own.split, own.validation_split) == ("train[:5]", None)
    write_pairs(tmp_path / "talk.tsv", 9)
    with pytest.raises(ValueError, match="has 9 pairs, too few to hold out 10 %"):
        training.finetuning(preset, path)


def test_a_research_preset_stays_one(preset: Path) -> None:
    made = training.finetuning(preset, "emoji_names/en-de")
    card = training.card(made)
    assert card["licence"] == "research"
    assert card["description"] == "tiny, tuned on emoji_names/en-de."
    assert card["data_licence"] == "not stated; before, for tiny: Unicode"
    made.licence = "open"
    with pytest.raises(ValueError, match="`licence` must be 'research'"):
        training.prepare(made)


def test_overrides_of_choices_reach_the_preset(preset: Path) -> None:
    made = training.finetuning(preset, "emoji_names/en-de", overrides={"config": {"dropout": 0.5}})
    assert training.prepare(made).application.dropout == 0.5


# Measuring.


def test_evaluate(preset: Path) -> None:
    translator = Translator.from_preset(preset)
    values = training.evaluate(translator, "emoji_names/en-de", "test[:6]")
    pairs = [("red apple", "roter apfel")] * 2
    assert set(values) == {"bleu", "chrf"}
    wide = training.evaluate(translator, pairs, decoding={"beam_size": 2})
    assert wide == translator.score(pairs, beam_size=2)
    with pytest.raises(ValueError, match=r"no option 'beam_sise'; did you mean 'beam_size'\?"):
        training.evaluate(translator, pairs, decoding={"beam_sise": 2})
    with pytest.raises(
        ValueError, match="`beam_size` must be a whole number. Received: beam_size='a'"
    ):
        training.evaluate(translator, pairs, decoding={"beam_size": "a"})


def test_a_saved_recipe_is_in_the_manifest(preset: Path) -> None:
    manifest = json.loads((preset / "manifest.json").read_text("utf-8"))
    assert "recipe.yaml" in manifest["files"]
    assert load_recipe(preset / "recipe.yaml").config == CONFIG
    assert isinstance(load_recipe(preset / "recipe.yaml"), Recipe)


def test_a_preset_may_grow_around_its_recipe(tmp_path: Path) -> None:
    path = write(tmp_path / "recipe.yaml", "data: x")
    training.check_output(tmp_path, path)
    with pytest.raises(ValueError, match="choose another place"):
        training.check_output(tmp_path)
