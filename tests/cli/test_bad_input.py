"""Bad input: exit code 2, one sentence, nothing half-written."""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_preset import RECIPE, write_pairs
from zoo.cli import main
from zoo.cli._output import Result

DATA = "emoji_names/en-de:test[:6]"


Run = Callable[..., Any]


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
