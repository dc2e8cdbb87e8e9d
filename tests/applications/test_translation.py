"""A translator translates, encodes and shows its attention; it refuses what it cannot take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.applications.digits import PROBES, pairs, tiny
from zoo.applications import Translation, Translator

LONG = "seven " * 10_000


@pytest.fixture(scope="module")
def untrained() -> Translator:
    """Its translations run on to their limits."""
    return tiny()


# Learned.


def test_it_has_learned_the_language(digits: Translator) -> None:
    history = digits.history.history
    assert history["loss"][-1] < history["loss"][0] / 5
    learned, unseen = pairs(60), pairs(40, seed=1)
    for options in ({}, {"beam_size": 3}):
        found = digits.translate([english for english, _ in learned], **options)
        assert found == [german for _, german in learned]
        found = digits.translate([english for english, _ in unseen], **options)
        right = [text == german for text, (_, german) in zip(found, unseen, strict=True)]
        assert sum(right) >= 38
    assert digits.score(learned) == {"bleu": pytest.approx(100), "chrf": pytest.approx(100)}
    assert digits.evaluate(learned, verbose=0, return_dict=True)["accuracy"] == 1.0
    assert digits.score(learned, max_length=1)["chrf"] < 70  # decoding options go through


# What goes in and what comes out.


def test_forms_of_input(digits: Translator) -> None:
    tf = pytest.importorskip("tensorflow")
    texts, expected = ["four two", "five", "six"], ["zwei vier", "fünf", "sechs"]
    assert digits.translate(texts) == expected
    assert digits.translate(tuple(texts)) == expected
    assert digits.translate(np.array(texts)) == expected
    assert digits.translate(text for text in texts) == expected
    assert digits.translate(tf.data.Dataset.from_tensor_slices(texts)) == expected
    assert digits.translate([text.encode() for text in texts]) == expected
    assert digits.translate("four two") == "zwei vier"
    assert digits.translate(np.str_("four two")) == digits.translate(b"four two") == "zwei vier"
    assert digits.infer(texts, beam_size=2) == expected
    assert digits.translate([]) == []


def test_empty_texts(digits: Translator) -> None:
    assert digits.translate("") == digits.translate("  \n") == ""
    assert digits.translate(["", "six", " ", "five"]) == ["", "sechs", "", "fünf"]
    assert digits.translate(["", ""], beam_size=2) == ["", ""]
    assert digits.translate(["", "six"], beam_size=2, n_best=1)[0] == [("", 0.0)]
    nothing, something = digits.translate(["", "six"], return_attention=True)
    assert (nothing.text, nothing.attention.shape) == ("", (0, 0))
    assert something.text == "sechs"


@pytest.mark.parametrize("options", [{}, {"beam_size": 3}, {"beam_size": 3, "length_penalty": 0.0}])
@pytest.mark.parametrize("which", ["digits", "untrained"])
def test_a_batch_equals_its_sentences(
    which: str, options: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    translator = request.getfixturevalue(which)
    texts = [PROBES[5], *PROBES[:4]]
    together = translator.translate(texts, **options)
    assert together == [translator.translate(text, **options) for text in texts]
    assert together == translator.translate(texts, batch_size=2, **options)
    assert translator.translate(texts[::-1], **options) == together[::-1]


def test_limits(untrained: Translator) -> None:
    """An untrained one stops where it must: after 2 n + 16 tokens, or where it is told."""

    def longest(texts: list[str], **options: Any) -> list[int]:
        found = untrained.translate(texts, return_attention=True, **options)
        return [len(translation.attention) - 1 for translation in found]

    texts = ["six", "six six six six six six six"]
    sources = [len(ids) for ids in untrained.tokenizer.encode(texts)]
    limits = [2 * length + 18 for length in sources]  # the end symbol counts in n
    assert all(a <= b for a, b in zip(longest(texts), limits, strict=True))
    assert longest(texts, max_length=3) == [3, 3]
    assert longest(texts, max_length=3, beam_size=2) == [3, 3]


def test_n_best(digits: Translator) -> None:
    found = digits.translate(PROBES, beam_size=4, n_best=3)
    one = digits.translate(PROBES[0], beam_size=4, n_best=3)
    assert [text for text, _ in one] == [text for text, _ in found[0]]
    for text, ranked in zip(PROBES, found, strict=True):
        scores = [score for _, score in ranked]
        assert scores == sorted(scores, reverse=True)
        assert len(ranked) == (3 if text else 1)
        assert all(isinstance(score, float) and score <= 0 for score in scores)
        assert ranked[0][0] == digits.translate(text, beam_size=4)
    flat = digits.translate(PROBES, beam_size=4, n_best=1, length_penalty=0.0)
    # The penalty divides by ((5 + n) / 6), n the tokens with the end.
    tokens = len(digits.tokenizer.encode([found[0][0][0]])[0]) + 1
    assert flat[0][0][1] / found[0][0][1] == pytest.approx((5 + tokens) / 6, rel=1e-4)


def test_beam_scores_are_the_log_probabilities_of_the_network(digits: Translator) -> None:
    source = "four two nine"
    (best, score) = digits.translate(source, beam_size=4, n_best=1, length_penalty=0.0)[0]
    logits = digits.predict([(source, best)], verbose=0)[0]
    (example,) = digits.featurize([source], [best])
    target = example["target"]
    shifted = logits[: len(target)] - logits[: len(target)].max(-1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    expected = log_probabilities[np.arange(len(target)), target].sum()
    assert score == pytest.approx(expected, rel=1e-3)


def test_attention(digits: Translator) -> None:
    texts = ["nine eight one", "six"]
    found = digits.translate(texts, return_attention=True)
    single = digits.translate("six", return_attention=True)
    assert isinstance(single, Translation) and single.text == "sechs"
    np.testing.assert_allclose(single.attention, found[1].attention, atol=1e-5)
    assert found[0].text == digits.translate(texts[0])
    for text, (translation, sources, targets, weights) in zip(texts, found, strict=True):
        assert "".join(sources[:-1]).replace("▁", " ").strip() == text
        assert "".join(targets[:-1]).replace("▁", " ").strip() == translation
        assert sources[-1] == targets[-1] == "[END]"
        assert weights.shape == (len(targets), len(sources))
        np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)
        assert (weights >= 0).all()
    beam = digits.translate(texts, beam_size=3, return_attention=True)
    assert [translation.text for translation in beam] == [one.text for one in found]


def test_encode(digits: Translator) -> None:
    texts = [text for text in PROBES if text]
    vectors = digits.encode(texts)
    assert vectors.shape == (len(texts), 64) and vectors.dtype == "float32"
    for text, vector in zip(texts, vectors, strict=True):
        np.testing.assert_allclose(digits.encode(text), vector, atol=1e-5)
    np.testing.assert_allclose(digits.encode(texts, batch_size=2), vectors, atol=1e-5)
    # The vector is the encoder's final states: the first half reads forward, the other backward.
    words = digits.encode(["one two", "one three", "three two"])
    assert np.abs(words[0] - words[1]).max() > 0.01 and np.abs(words[0] - words[2]).max() > 0.01


# What is refused.


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["one", 2], r"must be strings. Received as number 1: 2 \(int\)"),
        (["one", "two", None], r"Received as number 2: None \(NoneType\)"),
        ([["one"]], r"Received as number 0: \['one'\] \(list\)"),
        ([1.5], r"Received as number 0: 1.5 \(float\)"),
        (3, "must be a list, an array.*Received: 3"),
        (None, "must be a list, an array.*Received: None"),
    ],
)
def test_wrong_types(untrained: Translator, texts: Any, message: str) -> None:
    for call in (untrained.translate, untrained.encode):
        with pytest.raises(TypeError, match=message):
            call(texts)


@pytest.mark.parametrize("bad", [3, None, 1.5])
def test_wrong_types_in_pairs(untrained: Translator, bad: Any) -> None:
    for pair in (("one", bad), (bad, "eins")):
        data = [("one", "eins"), pair]
        for call in (untrained.fit, untrained.evaluate, untrained.score, Translator().fit):
            with pytest.raises(TypeError, match="Sentences must be strings. Received as number"):
                call(data)


def test_a_sentence_of_ten_thousand_words(untrained: Translator) -> None:
    message = r"Sentence 1 has \d{5,} tokens, .* takes at most 255 \(`max_length`\)"
    for call in (untrained.translate, untrained.encode):
        with pytest.raises(ValueError, match=message):
            call(["one", LONG])
    with pytest.raises(ValueError, match="Sentence 0 has"):
        untrained.translate(LONG)


def test_pairs_that_cannot_be_used_are_left_out_with_a_warning(untrained: Translator) -> None:
    good = pairs(3)
    bad = [("", "eins"), ("one", " "), (LONG, "eins"), ("one", LONG)]
    message = r"4 of 7 pairs are left out: a side is empty or longer than 255 tokens"
    with pytest.warns(UserWarning, match=message):
        batches = untrained.preprocess(good + bad)
    assert len(batches.examples) == 3
    with pytest.warns(UserWarning, match="are left out"):
        with pytest.raises(ValueError, match="holds nothing that this Translator can take"):
            untrained.preprocess(bad)
    at_the_limit = "x" * 12
    small = Translator(units=2, embedding_size=2, vocabulary_size=259, max_length=14)
    small.adapt([("x", "y")])
    # A space in front, twelve letters, the end.
    assert len(small.preprocess([(at_the_limit, at_the_limit)]).examples) == 1
    with pytest.warns(UserWarning, match="1 of 1 pairs"):
        with pytest.raises(ValueError, match="holds nothing"):
            small.preprocess([("x", at_the_limit + "x")])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beam_size": 0}, "`beam_size` must be a positive integer"),
        ({"beam_size": 2.5}, "`beam_size` must be a positive integer"),
        ({"beam_size": 2, "n_best": 3}, "`n_best` must be at most `beam_size`"),
        ({"n_best": 0}, "`n_best` must be a positive integer"),
        ({"max_length": 0}, "`max_length` must be a positive integer"),
        ({"return_attention": True, "n_best": 1}, "`return_attention=True` needs"),
        ({"batch_size": 0}, "`batch_size` must be a positive integer"),
    ],
)
def test_bad_decoding(untrained: Translator, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        untrained.translate(["one"], **options)


def test_before_adapt() -> None:
    translator = Translator()
    calls: list[Callable[[], Any]] = [
        lambda: translator.translate("one"),
        lambda: translator.encode("one"),
        lambda: translator.save_to_preset("nowhere"),
    ]
    for call in calls:
        with pytest.raises(RuntimeError, match=r"This Translator has no network yet"):
            call()


def test_adapting_twice(untrained: Translator) -> None:
    with pytest.raises(RuntimeError, match="This Translator has been adapted"):
        untrained.adapt(pairs(3))


@pytest.mark.parametrize(
    ("choices", "error", "message"),
    [
        ({"units": 7}, ValueError, "must be even.*Received: units=7, projection_units=None"),
        (
            {"recurrent": "projected_lstm", "projection_units": 3},
            ValueError,
            "must be even.*projection_units=3",
        ),
        ({"units": 0}, ValueError, "`units` must be a positive integer"),
        ({"depth": 1.5}, ValueError, "`depth` must be a positive integer"),
        ({"max_length": None}, ValueError, "`max_length` must be a positive integer"),
        ({"dropout": 1.0}, ValueError, r"`dropout` must be a number in \[0, 1\)"),
        ({"label_smoothing": -0.1}, ValueError, "`label_smoothing` must be a number"),
        ({"attention": "hard"}, ValueError, "`attention` must be None or one of"),
        ({"recurrent": "lstn"}, ValueError, "Unknown cell 'lstn'; did you mean 'lstm'"),
        ({"recurrent_options": {"peephole": 1}}, TypeError, "did you mean `peepholes`"),
        ({"unit": 4}, ValueError, "unit"),
    ],
)
def test_bad_choices(choices: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Translator(**choices)
