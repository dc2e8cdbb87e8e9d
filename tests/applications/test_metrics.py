"""Corpus metrics equal their libraries and what can be counted by hand."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import sacrebleu

from zoo import metrics
from zoo.metrics import bleu, cer, chrf, wer

HYPOTHESES = ["The cat sat on the mat.", "Hello there, World!", ""]
REFERENCES = ["The cat is on the mat.", "hello there, world!", "Nothing"]


def test_bleu_and_chrf_are_sacrebleu_s() -> None:
    assert bleu(HYPOTHESES, REFERENCES) == sacrebleu.corpus_bleu(HYPOTHESES, [REFERENCES]).score
    assert chrf(HYPOTHESES, REFERENCES) == sacrebleu.corpus_chrf(HYPOTHESES, [REFERENCES]).score
    assert 0 < bleu(HYPOTHESES, REFERENCES) < chrf(HYPOTHESES, REFERENCES) < 100


def test_case_counts() -> None:
    assert bleu(["A b c d e"], ["a b c d e"]) < bleu(["a b c d e"], ["a b c d e"]) == 100
    assert chrf(["ABC"], ["abc"]) == 0 and chrf(["abc"], ["abc"]) == 100


def test_several_references() -> None:
    several = [["The cat is on the mat.", "The cat sat on a mat."], ["hello"], ["Nothing", "No"]]
    streams = [
        ["The cat is on the mat.", "hello", "Nothing"],
        ["The cat sat on a mat.", None, "No"],
    ]
    assert bleu(HYPOTHESES, several) == sacrebleu.corpus_bleu(HYPOTHESES, streams).score
    assert chrf(HYPOTHESES, several) == sacrebleu.corpus_chrf(HYPOTHESES, streams).score
    assert bleu(["a b c d", "x y z w"], [["q", "a b c d"], "x y z w"]) == 100


@pytest.mark.parametrize(
    ("metric", "hypotheses", "references", "value"),
    [
        (cer, ["abc", "de"], ["abd", "e"], 2 / 4),
        (cer, ["a  b"], ["a b"], 1 / 3),
        (cer, [" ab "], ["ab"], 0),
        (cer, ["x", "ab"], ["", "ab"], 1 / 2),
        (cer, ["xyz"], [""], 3),
        (cer, [""], [""], 0),
        (cer, ["abcd"], ["a"], 3),
        (wer, ["a b c", "d"], ["a x c", "d e"], 2 / 5),
        (wer, [" a  b "], ["a b"], 0),
        (wer, ["A"], ["a"], 1),
        (wer, ["x y", "a b"], ["", "a b"], 1),
        (wer, ["x y"], [""], 2),
        (wer, [""], [""], 0),
        (wer, [""], ["a b"], 1),
    ],
)
def test_error_rates_by_hand(
    metric: Callable[..., float], hypotheses: list[str], references: list[str], value: float
) -> None:
    result = metric(hypotheses, references)
    assert isinstance(result, float)
    assert result == pytest.approx(value)


@pytest.mark.parametrize("metric", [bleu, chrf, cer, wer])
def test_bad_lists(metric: Callable[..., float]) -> None:
    bad: list[tuple[Any, Any, type[Exception], str]] = [
        (["a"], ["a", "b"], ValueError, "Received: 1 hypotheses, 2 references"),
        ([], [], ValueError, "at least one"),
        ("a", ["a"], TypeError, "`hypotheses` must be a list of texts"),
        (["a"], "a", TypeError, "`references` must be a list of texts"),
        ([1], ["a"], TypeError, "`hypotheses` must hold texts. Received: entry 0 of type int"),
        (["a"], [None], TypeError, "`references`"),
        (["a"], [[]], TypeError, "`references`"),
        (["a"], [["b", 2]], TypeError, "`references"),
    ]
    for hypotheses, references, kind, message in bad:
        with pytest.raises(kind, match=message) as error:
            metric(hypotheses, references)
        assert "\n" not in str(error.value)


def test_exports() -> None:
    assert {"bleu", "cer", "chrf", "wer"} <= set(metrics.__all__)


def test_libraries_are_imported_on_use() -> None:
    code = (
        "import sys, zoo.metrics; "
        "print([name for name in ('sacrebleu', 'jiwer', 'keras') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr
