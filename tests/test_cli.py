"""The command line: what it prints, where, and one sentence for whatever it cannot do."""

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import zoo.cli
from tests.tiny_preset import make, write_pairs
from zoo import Translator, training
from zoo.applications._presets import read_card, verify
from zoo.cli import main
from zoo.cli._output import Result, metric, short, size, table

ROOT = Path(__file__).resolve().parent.parent
DATA = "emoji_names/en-de:test[:6]"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("presets") / "tiny")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ZOO_DATA_DIR", raising=False)
    return tmp_path


@pytest.fixture
def preset(made: Path, folder: Path) -> str:
    """A copy to change, by a relative path."""
    shutil.copytree(made, folder / "tiny")
    return "tiny"


Run = Callable[..., Any]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command that must succeed, and returns what it printed: an object with --json."""

    def call(*argv: str) -> Any:
        code = main(argv)
        out, err = capsys.readouterr()
        assert code == 0, err
        if "--json" not in argv:
            return out
        assert out.count("\n") == 1 and out.endswith("\n")
        return json.loads(out)

    return call


@pytest.fixture
def fail(capsys: pytest.CaptureFixture[str], folder: Path) -> Run:
    """Runs a command that must fail, and returns its one sentence."""

    def call(*argv: str, code: int = 2) -> str:
        before = tree(folder)
        assert main(argv) == code
        out, err = capsys.readouterr()
        assert out == ""
        assert tree(folder) == before
        last = err.splitlines()[-1]
        assert err.count("zoo: ") == 1 and last.startswith("zoo: ")
        assert "Traceback" not in err
        assert last[-1] in ".?"
        return last.removeprefix("zoo: ")

    return call


def tree(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*")}


# Using presets.


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
    (entry,) = read_card(Path(preset))["metrics"]
    assert entry["decoding"] == {"beam_size": 1}


# Training.


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
        training.Prepared, "fit", lambda self, out, *rest: shutil.copytree(preset, out)
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


RECIPE = """# a comment
name: own
data: emoji_names/en-de
split: train[:24]
validation_split: validation[:6]
application: Translator
config: {units: 8, embedding_size: 8, vocabulary_size: 280}
training: {epochs: 2}
"""


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
    def interrupted(self: Any, out: Path, *arguments: Any) -> None:
        if out.name == "own":
            shutil.copytree(made, out)
        raise KeyboardInterrupt

    monkeypatch.setattr(training.Prepared, "fit", interrupted)
    Path("r.yaml").write_text(RECIPE)
    assert fail("train", "r.yaml", "--out", "nothing", code=130) == "Interrupted."
    assert main(["train", "r.yaml"]) == 130
    assert "zoo: Interrupted; the best epoch so far is saved in own." in capsys.readouterr().err
    verify("own")


# Bad input.


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("", "Name a command: list, show,"),
        ("--json list", "Put the command first"),
        ("evalute tiny", "no command 'evalute'; did you mean 'evaluate'?"),
        ("zzz", "no command 'zzz'; there are list, show,"),
        ("list --jsn", "no option `--jsn`; did you mean `--json`?"),
        ("list more", "zoo list cannot take 'more'"),
        ("list --seed", "`--seed` needs a value"),
        ("list --seed --json", "`--seed` needs a value"),
        ("list --seed x", "`--seed` must be a whole number. Received: x."),
        ("list -v", "no option `-v`"),
        ("show", "zoo show needs PRESET"),
        ("evaluate tiny", "zoo evaluate needs --data"),
        ("show tyni", "no preset or folder 'tyni'"),
        ("run tyni hello", "no preset or folder 'tyni'"),
        ("run tiny a --beam-sise 3", "no option `--beam-sise`; did you mean `--beam-size`?"),
        ("run tiny a --decoding.beam_sise 3", "no option 'beam_sise'; did you mean 'beam_size'?"),
        ("run tiny a --decoding.beam_size x", "`beam_size` must be a whole number"),
        ("run tiny a --beam-size 0", "`beam_size` must be a positive integer"),
        ("run tiny a --decoding x", "`--decoding` must be names with values"),
        ("evaluate tiny --data emoji_names/en-xx", "Unknown configuration 'en-xx'"),
        ("evaluate tiny --data emoji_nmes/en-de", "did you mean 'emoji_names'"),
        ("evaluate tiny --data emoji_names/en-de:tset", "Unknown split 'tset'"),
        ("evaluate tiny --data multi30k/en-de", "ZOO_DATA_DIR"),
        ("evaluate tiny --data multi30k/en-de --data-dir none", "none is not a folder"),
        ("evaluate tiny --data none.tsv", "There is no file none.tsv"),
        ("evaluate tiny --data bad.tsv", "is not UTF-8"),
        ("evaluate tiny --data two.en,two.de", "must have equally many lines"),
        ("finetune tiny --data bad.tsv", "is not UTF-8"),
        ("finetune tiny --data talk.tsv --epochs 0", "`epochs` must be at least 1"),
        ("finetune tiny --data talk.tsv --epoch 1", "did you mean `--epochs`?"),
        ("finetune tiny --data talk.tsv --config.dropuot 0.1", "did you mean 'dropout'?"),
        ("finetune tiny --data talk.tsv --out others", "choose another place"),
        ("finetune tiny --data talk.tsv --out talk.tsv", "choose another place"),
        ("finetune tiny --data talk.tsv:train[:5]", "name also a `validation_split`"),
        ("train none.yaml", "There is no recipe at none.yaml"),
        ("train r.yaml --training.epoch 3", "did you mean `--training.epochs`?"),
        ("train r.yaml --config.unts 3", "no argument 'unts'; did you mean 'units'?"),
        ("train r.yaml --application Translater", "did you mean 'Translator'?"),
        ("train r.yaml --training.schedule sine", "`schedule` must be"),
        ("train r.yaml --out others", "choose another place"),
        ("train typo.yaml", "no field 'trainig'; did you mean 'training'?"),
        ("quickstart --preset tyni", "no preset or folder 'tyni'"),
        ("quickstart --preset tiny --out others", "choose another place"),
    ],
)
def test_bad_input(fail: Run, preset: str, argv: str, message: str) -> None:
    write_pairs(Path("talk.tsv"))
    Path("bad.tsv").write_bytes(b"caf\xe9\tKaffee\n")
    Path("two.en").write_text("one\ntwo\n")
    Path("two.de").write_text("eins\n")
    Path("others").mkdir()
    Path("others", "thesis.txt").write_text("years of work")
    Path("r.yaml").write_text(RECIPE)
    Path("typo.yaml").write_text(RECIPE.replace("training:", "trainig:"))
    assert message in fail(*argv.split())


def flip(folder: Path) -> None:
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (flip, "is damaged or was edited"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "is missing"),
        (lambda folder: (folder / "manifest.json").unlink(), "it has no manifest.json"),
        (lambda folder: (folder / "card.json").write_text("{}"), "is damaged"),
    ],
)
@pytest.mark.parametrize("command", [["show"], ["run"], ["evaluate", "--data", DATA]])
def test_a_tampered_preset(
    fail: Run, preset: str, harm: Callable[[Path], Any], message: str, command: list[str]
) -> None:
    harm(Path(preset))
    text = ["hello"] if command == ["run"] else []
    assert message in fail(command[0], preset, *text, *command[1:])


@pytest.mark.parametrize(
    ("stdin", "message"),
    [
        (io.StringIO(""), "There is no input"),
        (io.TextIOWrapper(io.BytesIO(b"caf\xe9"), encoding="utf-8"), "Standard input is not UTF-8"),
    ],
)
def test_bad_standard_input(
    fail: Run, preset: str, monkeypatch: pytest.MonkeyPatch, stdin: Any, message: str
) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    assert message in fail("run", preset)


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (KeyboardInterrupt(), 130, "Interrupted."),
        (ValueError("first\nsecond"), 2, "first."),
        (OSError(28, "No space left on device", "x"), 2, "x: No space left on device."),
        (RuntimeError(), 2, "RuntimeError."),
        (KeyError("x"), 1, "Unexpected KeyError: 'x'. Set ZOO_TRACEBACK=1 to see where."),
    ],
)
def test_every_error_is_one_line(
    fail: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, sentence: str
) -> None:
    def command(arguments: dict[str, Any]) -> None:
        raise error

    monkeypatch.setattr("zoo.cli._presets.show", command)
    assert fail("show", "tiny", code=code) == sentence


def test_a_traceback_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ZOO_TRACEBACK", "1")
    assert main(["show", "none"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_bars_and_warnings_stay_off_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(arguments: dict[str, Any]) -> Result:
        import warnings

        print("a bar")
        warnings.simplefilter("always")
        warnings.warn("first\n   second", stacklevel=1)
        return Result({"text": "grün"}, "a table")

    monkeypatch.setattr("zoo.cli._presets.show", command)
    assert main(["show", "tiny", "--json"]) == 0
    out, err = capsys.readouterr()
    assert out == '{"text": "grün"}\n'
    assert err == "a bar\nzoo: first second\n"


# Processes of their own.


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


# Tables.


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
