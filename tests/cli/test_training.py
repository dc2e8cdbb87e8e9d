"""The commands that train."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_preset import RECIPE, write_pairs
from zoo import training
from zoo.applications._presets import read_card, verify
from zoo.cli import main

Run = Callable[..., Any]


def test_finetune(run: Run, preset: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_pairs(Path("talk.tsv"), 20)
    options = ["--epochs", "1", "--batch-size", "8", "--learning-rate", "0.01", "--seed", "3"]
    assert main(["finetune", preset, "--data", "talk.tsv", *options]) == 0
    out, err = capsys.readouterr()
    assert "Validating on the last 10 % of talk.tsv, held out, 2 pairs." in err
    assert "before" in out and "after" in out and "Saved in tiny_talk." in out
    assert "Training on" not in out and "loss" not in out
    found = run("evaluate", "tiny_talk", "--data", "talk.tsv:train[90%:]", "--json")
    assert read_card(Path("tiny_talk"))["metrics"][0]["values"] == found["metrics"]
    recipe = training.load_recipe("tiny_talk/recipe.yaml")
    assert (recipe.preset, recipe.seed, recipe.training.learning_rate) == ("tiny", 3, 0.01)


def test_finetune_as_json(
    run: Run, preset: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter([{"bleu": 1.0}, {"bleu": 2.0}])
    monkeypatch.setattr(training, "evaluate", lambda *arguments, **options: next(scores))
    monkeypatch.setattr(
        training.Prepared, "fit", lambda self, out, *rest, **options: shutil.copytree(preset, out)
    )
    found = run("finetune", preset, "--data", "emoji_names/en-de", "--out", "out", "--json")
    assert found == {
        "preset": preset,
        "data": "emoji_names/en-de",
        "split": "validation",
        "before": {"bleu": 1.0},
        "after": {"bleu": 2.0},
        "preset_dir": str(folder / "out"),
    }


@pytest.mark.parametrize(("after", "said"), [(1.0, True), (2.0, False), (3.0, False)])
def test_finetuning_that_makes_it_worse(
    after: float,
    said: bool,
    preset: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    scores = iter([{"bleu": 2.0}, {"bleu": after}])
    monkeypatch.setattr(training, "evaluate", lambda *arguments, **options: next(scores))
    monkeypatch.setattr(training.Prepared, "fit", lambda *arguments, **options: None)
    monkeypatch.setattr("zoo._measured.write_measured", lambda *arguments, **options: None)
    options = ["--data", "emoji_names/en-de", "--learning-rate", "0.002", "--out", "out"]
    assert main(["finetune", preset, *options]) == 0
    assert ("may help (--learning-rate 0.0002)" in capsys.readouterr().out) is said


def test_train(run: Run, folder: Path) -> None:
    Path("r.yaml").write_text(RECIPE)
    found = run("train", "r.yaml", "--json")
    assert found["preset_dir"] == str(folder / "own")
    assert set(found["metrics"]) == {"bleu", "chrf"}
    assert len(found["history"]["loss"]) == 2
    assert Path("own/r.yaml").read_text() == RECIPE  # its comment too
    verify("own")


def test_any_field_of_a_recipe_can_be_overridden(run: Run, folder: Path) -> None:
    Path("r.yaml").write_text(RECIPE)
    text = run(
        *["train", "r.yaml", "--training.epochs", "1", "--config.units=4", "--data"],
        *["emoji_names/en-fr:train[:20]", "--validation-split", "null", "--training.batch_size=8"],
        *["--clean.max_length", "20", "--licence", "open", "--out", "out"],
    )
    assert "Saved in out." in text and "loss" in text
    recipe = training.load_recipe("out/recipe.yaml")
    assert recipe.config == {"units": 4, "embedding_size": 8, "vocabulary_size": 280}
    assert (recipe.training.epochs, recipe.training.batch_size) == (1, 8)
    assert (recipe.data, recipe.split) == ("emoji_names/en-fr", "train[:20]")
    assert recipe.validation_split is None and recipe.clean == {"max_length": 20}
    assert read_card(Path("out"))["licence"] == "open"


def test_ctrl_c_leaves_the_best_epoch(
    fail: Run,
    folder: Path,
    made: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(self: Any, out: Path, *arguments: Any, **options: Any) -> None:
        if out.name == "own":
            shutil.copytree(made, out)
        raise KeyboardInterrupt

    monkeypatch.setattr(training.Prepared, "fit", interrupted)
    Path("r.yaml").write_text(RECIPE)
    assert fail("train", "r.yaml", "--out", "nothing", code=130) == "Interrupted."
    assert main(["train", "r.yaml"]) == 130
    assert "zoo: Interrupted; the best epoch so far is saved in own." in capsys.readouterr().err
    verify("own")


def test_an_interrupted_training_goes_on(
    fail: Run,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from zoo import Translator

    score = Translator.score
    left = [1, 0]

    def interrupted(*arguments: Any, **options: Any) -> dict[str, float]:
        if not left.pop(0):
            raise KeyboardInterrupt
        return score(*arguments, **options)

    Path("r.yaml").write_text(RECIPE)
    command = ["train", "r.yaml", "--batch-size", "8"]
    with monkeypatch.context() as patch:
        patch.setattr(Translator, "score", interrupted)
        assert main([*command, "--tensorboard", "shown"]) == 130
    assert "give the same command again to go on." in capsys.readouterr().err
    assert list(Path("shown/train").iterdir())
    assert Path("own.training").is_dir()
    # The same folder, though a preset is there by now; nothing else may come of it.
    sentence = fail(*command, "--learning-rate", "0.1")
    assert "own.training are of another training (training.learning_rate was 0.001" in sentence
    assert "and is now 0.1" in sentence and "--restart" in sentence
    assert main(command) == 0
    assert "Going on after step " in capsys.readouterr().err
    assert not Path("own.training").exists() and not Path("own_2").exists()
    verify("own")


def test_restart_forgets_what_was_interrupted(folder: Path) -> None:
    from zoo._continuing import resumable, training_folder

    recipe = training.Recipe(data="x")
    first = resumable(recipe, "out", False, None)
    first.checkpoints.save(3, {}, {})
    first.release()
    assert training.new_folder("out") == Path("out")
    again = resumable(recipe, "out", True, None)
    assert again.checkpoints.steps() == []
    again.release()
    assert training_folder("out").is_dir()


def test_tensorboard_that_is_missing(
    fail: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: name != "tensorboard" and find(name, *more)
    )
    Path("r.yaml").write_text(RECIPE)
    sentence = fail("train", "r.yaml", "--tensorboard", "shown")
    assert sentence == "`--tensorboard` needs a package: pip install tensorboard."
