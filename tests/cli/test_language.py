"""A language model on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.applications.tiny_language import tiny
from tests.cli.conftest import Run
from zoo import LanguageModel, training


@pytest.fixture
def language(folder: Path) -> str:
    tiny().save_to_preset(folder / "language")
    return "language"


def test_run_writes_on(run: Run, language: str) -> None:
    model = LanguageModel.from_preset(language)
    expected = model.generate(["To be", ""], max_units=9, temperature=0.5, seed=4)
    options = ["--decoding.max_units", "9", "--decoding.temperature", "0.5", "--decoding.seed", "4"]
    assert run("run", language, "To be", "", *options, "--json")["outputs"] == expected
    assert run("run", language, "To be", *options) == expected[0] + "\n"
    first, again = (
        run("run", language, "To be", "--seed", "3", "--json")["outputs"] for _ in range(2)
    )
    assert first == again and first[0].startswith("To be")


def test_what_cannot_be_written_is_one_sentence(fail: Run, language: str) -> None:
    assert "does not know: 'Z'" in fail("run", language, "Z")
    assert "`top_p` must be a number" in fail("run", language, "To", "--decoding.top_p", "2")
    assert "has no option 'beams'" in fail("run", language, "To", "--decoding.beams", "2")


def test_scores_know_no_decoding(language: str) -> None:
    model = LanguageModel.from_preset(language)
    with pytest.raises(ValueError, match="leave out 'temperature'"):
        training.evaluate(model, ["To be"], decoding={"temperature": 0.5})
