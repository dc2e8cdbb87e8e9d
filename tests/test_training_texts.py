"""Recipes of applications that take plain texts: files, folders, and what is no text."""

from pathlib import Path

import keras
import pytest

from zoo import training
from zoo.training import Recipe, Training

TINY = {"units": 8, "embedding_size": 8, "window": 10}
HALVES = {"split": "train[:50%]", "validation_split": "train[50%:]"}


def recipe(data: str, **fields: object) -> Recipe:
    values = {"application": "LanguageModel", "config": TINY, "training": Training(epochs=1)}
    return Recipe(data=data, **{**values, **HALVES, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["book.txt", "book.tsv", "book", "book.txt,book.txt"])
def test_a_file_is_read_as_text_and_divided_by_position(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name.split(",")[0]).write_text("one\ttwo\nsix\tten")
    prepared = training.prepare(recipe(name))
    assert prepared.validation is not None
    whole = "".join([*prepared.data[0], *prepared.validation[0]])
    assert whole == "one\ttwo\nsix\tten" * len(name.split(","))
    assert len("".join(prepared.data[0])) == round(len(whole) / 2)


def test_a_folder_is_trained_on_and_must_be_divided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("lib").mkdir()
    Path("lib", "a.txt").write_text("to be or not to be")
    assert training.prepare(recipe("lib")).data[0] == ["to be or "]
    with pytest.raises(ValueError, match="lib is one undivided set, so `split` and .* slices"):
        training.prepare(recipe("lib", split="train"))


def test_finetuning_holds_out_the_last_tenth_of_a_text(tmp_path: Path) -> None:
    path = tmp_path / "short.txt"
    path.write_text("brief")
    made = training.finetuning("language_model_small_kjv", str(path))
    assert (made.split, made.validation_split) == training.HELD_OUT


def test_pairs_are_no_texts() -> None:
    with pytest.raises(ValueError, match="emoji_names holds pairs, but texts are wanted"):
        training.prepare(recipe("emoji_names/en-de"))
    with pytest.raises(ValueError, match="kjv holds texts, but pairs are wanted"):
        training.prepare(recipe("kjv", application="Translator", config={"units": 8}))
    with pytest.raises(ValueError, match="`clean` is for pairs"):
        training.prepare(recipe("kjv", clean={"max_length": 3}))


def test_training_and_evaluating_on_a_file(tmp_path: Path) -> None:
    path = tmp_path / "book.txt"
    path.write_text("the cat sat on the mat and the dog sat on the cat\n" * 20)
    model, history = training.train(recipe(str(path)), verbose=0)
    assert len(history["val_perplexity"]) == 1
    found = training.evaluate(model, str(path), HALVES["validation_split"])
    assert found["perplexity"] == pytest.approx(history["val_perplexity"][0], rel=1e-5)


def test_averaged_sgd_by_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zoo import callbacks

    made = []

    class Spy(callbacks.AveragedSGD):
        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            made.append(
                (self.monitor, self.checks, self.higher_is_better, type(self.model.optimizer))
            )
            super().on_epoch_end(epoch, logs)  # type: ignore[arg-type]

    monkeypatch.setattr(callbacks, "AveragedSGD", Spy)
    path = tmp_path / "book.txt"
    path.write_text("the cat sat on the mat\n" * 20)
    how = Training(epochs=1, optimizer="sgd", learning_rate=1.0, average_after=3)
    training.train(recipe(str(path), training=how), verbose=0)
    assert made == [("val_nll", 3, False, keras.optimizers.SGD)]
    with pytest.raises(ValueError, match="`average_after` needs a `validation_split`"):
        training.prepare(recipe(str(path), training=how, validation_split=None))
    for wrong in ({"optimizer": "asgd"}, {"average_after": 0}):
        with pytest.raises(ValueError, match="`(optimizer|average_after)` must be"):
            Training(**wrong)  # type: ignore[arg-type]
