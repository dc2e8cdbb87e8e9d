"""Fine-tuning with a vocabulary that grows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.applications.number_application import SignReader
from tests.tiny_preset import recipe, write_pairs
from zoo import Translator, training
from zoo._finetuning import grow
from zoo.cli import main
from zoo.training import Recipe, load_recipe

Run = Callable[..., Any]


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training saves what it starts from."""

    def fit(self: Any, out: Path, *rest: Any, **options: Any) -> dict[str, list[float]]:
        training.save_recipe(self.recipe, "r.yaml")
        self.application.save_to_preset(out, recipe="r.yaml")
        return {"loss": [1.0]}

    monkeypatch.setattr(training.Prepared, "fit", fit)


def test_finetune(run: Run, preset: str, untrained: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def evaluate(application: Any, *arguments: Any, **options: Any) -> dict[str, float]:
        return {"bleu": application.tokenizer.vocabulary_size}

    monkeypatch.setattr(training, "evaluate", evaluate)
    size = Translator.from_preset(preset).tokenizer.vocabulary_size
    write_pairs(Path("talk.tsv"), 20)
    command = ["finetune", preset, "--data", "talk.tsv", "--grow-vocabulary", str(size + 9)]
    found = run(*command, "--out", "larger", "--json")
    before, after = found["vocabulary"]["before"], found["vocabulary"]["after"]
    assert (before["vocabulary_size"], after["vocabulary_size"]) == (size, size + 9)
    assert before["characters"] == after["characters"]
    assert after["units"] < before["units"]
    larger = Translator.from_preset("larger")
    assert larger.tokenizer.vocabulary_size == larger.vocabulary_size == size + 9
    assert load_recipe("larger/r.yaml").grow_vocabulary == size + 9
    # What is measured before is the preset as it came.
    assert (found["before"]["bleu"], found["after"]["bleu"]) == (size, size + 9)


def test_it_is_told(preset: str, untrained: None, capsys: pytest.CaptureFixture[str]) -> None:
    Path("talk.tsv").write_text("日本 one\t日本 eins\n" * 10, encoding="utf-8")
    size = Translator.from_preset(preset).tokenizer.vocabulary_size
    Path("own.yaml").write_text(
        f"data: talk.tsv\nvalidation_split: null\npreset: {preset}\ngrow_vocabulary: {size + 6}\n"
    )
    assert main(["train", "own.yaml", "--out", "larger"]) == 0
    told = capsys.readouterr().err
    assert f"The vocabulary grows from {size} to {size + 6} symbols. Of the 130 characters" in told
    assert "40 were unknown, and 0 are now; together they took" in told


def test_what_cannot_grow(fail: Run, preset: str) -> None:
    write_pairs(Path("talk.tsv"), 20)
    command = ["finetune", preset, "--data", "talk.tsv", "--grow-vocabulary"]
    assert "`grow_vocabulary` must be more than" in fail(*command, "9")
    assert "`grow_vocabulary` must be a positive integer" in fail(*command, "0")
    assert "`--grow-vocabulary` must be a whole number" in fail(*command, "x")


def test_new_applications_and_those_without_a_vocabulary() -> None:
    with pytest.raises(ValueError, match="`grow_vocabulary` needs a `preset`") as caught:
        training.prepare(recipe(grow_vocabulary=400))
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="must be null for a SignReader, which has no vocabulary"):
        grow(SignReader(), Recipe("talk.tsv", preset="signs", grow_vocabulary=9), ([], []))
