"""Measures of captions: those of `pycocoevalcap` on the same captions, and by hand."""

import json
import math
from pathlib import Path

import pytest

from zoo import metrics
from zoo.applications._caption_metrics import caption_scores

CASES = json.loads(Path(__file__).with_name("caption_scores.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{len(case['hypotheses'])} pictures")
def test_as_pycocoevalcap(case: dict) -> None:
    found = caption_scores(case["hypotheses"], case["references"])
    assert found == pytest.approx(case["values"], rel=1e-6, abs=0.01)


def test_cider_by_hand() -> None:
    # Two pictures: n-grams of one count log 2, those of both nothing; each caption is at one of its
    # references. "a" is in both.
    value = metrics.cider(["a red cat", "two dogs"], [["a red cat"], ["two dogs", "a dog"]])
    first = 3  # of four lengths, for there are no 4-grams, and "a" counts nothing in any
    second = (2 + 0) / 2  # unigrams and bigrams of one reference; the other has none of them
    assert value == pytest.approx(10 / 4 * (first + second) / 2)


def test_cider_punishes_other_lengths_and_repeated_words() -> None:
    references = [["a red cat sits"], ["two dogs run fast"]]
    right = metrics.cider(["a red cat sits", "two dogs run fast"], references)
    longer = metrics.cider(["a red cat sits " * 3, "two dogs run fast"], references)
    assert right == pytest.approx(10)
    assert longer < right - 1
    # A word four times counts as often as the reference has it: 1 * 1 / (4 * 2) of the unigrams.
    again = metrics.cider(["red red red red", "two dogs run fast"], references)
    assert again == pytest.approx((10 / 4 / 8 + 10) / 2)


def test_cider_of_one_picture_is_nothing() -> None:
    assert metrics.cider(["a red cat"], [["a red cat"]]) == 0


def test_rouge_by_hand() -> None:
    # The longest common subsequence of "a b c d" and "a c x d" is "a c d".
    value = metrics.rouge_l(["a b c d"], ["a c x d"])
    assert value == pytest.approx(75)
    several = metrics.rouge_l(["a b c d"], [["a c x d", "a b"]])
    precision, recall = 3 / 4, 1.0
    best = 2.44 * precision * recall / (recall + 1.44 * precision)
    assert several == pytest.approx(100 * best)


def test_case_and_punctuation_do_not_count() -> None:
    plain = caption_scores(["a dog's red ball", "two cats"], [["a dog's red ball"], ["two cats"]])
    dressed = caption_scores(
        ["A dog\u2019s red ball.", "Two -- cats!"], [["a dog's red ball"], ["two cats"]]
    )
    assert plain == dressed
    assert plain["bleu2"] == 100


def test_empty_captions() -> None:
    found = caption_scores(["", "!"], [["a cat"], ["a dog"]])
    assert set(found.values()) == {0.0}
    assert not any(math.isnan(value) for value in found.values())


@pytest.mark.parametrize("metric", [metrics.cider, metrics.rouge_l, metrics.caption_bleu])
def test_bad_input(metric) -> None:
    with pytest.raises(ValueError, match="equally many"):
        metric(["a"], [])
    with pytest.raises(ValueError, match="at least one"):
        metric([], [])
    with pytest.raises(TypeError, match="list of texts"):
        metric("a", ["a"])
    with pytest.raises(TypeError, match="must hold texts"):
        metric([3], ["a"])


def test_order() -> None:
    with pytest.raises(ValueError, match="`order` must be 1, 2, 3 or 4. Received: order=5"):
        metrics.caption_bleu(["a"], ["a"], order=5)
