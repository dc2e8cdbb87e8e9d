"""Datasets of TFDS by name on the command line."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow_datasets as tfds

from tests.datasets.test_tfds import TinyTalks, prepare
from zoo import training

Run = Callable[..., Any]


def test_evaluate(run: Run, preset: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prepare(TinyTalks(config="pt_to_en", data_dir=folder / "prepared"))
    capsys.readouterr()  # what TFDS has to say about it
    for data in ("tiny_talks/pt_to_en", "tiny_talks/en_to_pt", "tiny_talks/pt_to_en:1.0.0"):
        found = run(
            "evaluate", preset, "--data", f"{data}:test[:3]", "--data-dir", "prepared", "--json"
        )
        assert (found["data"], found["split"]) == (data, "test[:3]")
        assert set(found["metrics"]) == {"bleu", "chrf"}


def test_finetune_and_train(run: Run, preset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def fit(self: Any, out: Path, *rest: Any, **options: Any) -> dict[str, list[float]]:
        seen.append((self.recipe.split, self.recipe.validation_split, *self.data))
        shutil.copytree(preset, out)
        return {"loss": [1.0]}

    monkeypatch.setattr(training.Prepared, "fit", fit)
    monkeypatch.setattr(training, "evaluate", lambda *arguments, **options: {"bleu": 1.0})
    Path("r.yaml").write_text("data: multi30k/en-de\npreset: tiny\n")
    with tfds.testing.mock_data(num_examples=3, policy=tfds.testing.MockPolicy.USE_CODE):
        talks = "ted_hrlr_translate/pt_to_en"
        run("finetune", preset, "--data", f"{talks}:train[:10%]", "--out", "tuned", "--json")
        turned = "ted_hrlr_translate/en_to_pt"
        run("train", "r.yaml", "--data", turned, "--out", "trained", "--json")
    (split, validation, sources, targets), (other_split, _, *other_way) = seen
    assert (split, validation, other_split) == ("train[:10%]", "validation", "train")
    assert len(sources) == 3 and other_way == [targets, sources]


def test_what_is_not_prepared(fail: Run, preset: str) -> None:
    for command in ("evaluate", "finetune"):
        sentence = fail(command, preset, "--data", "ted_hrlr_translate/en_to_pt:test")
        assert "tfds.load('ted_hrlr_translate/pt_to_en')" in sentence
    assert "did you mean 'pt_to_en'" in fail(
        "evaluate", preset, "--data", "ted_hrlr_translate/pt_to_e:test"
    )


def test_list_says_how(run: Run) -> None:
    assert "TensorFlow Datasets has prepared" in run("list")
