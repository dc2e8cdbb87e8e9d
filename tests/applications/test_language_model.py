"""What a language model says of texts: equal to NumPy, in pieces or in one go."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import zoo
from tests.applications.tiny_language import TEXT, by_hand, fit, tiny
from zoo import LanguageModel, training
from zoo.applications import _reading
from zoo.applications._weights import weight_paths


@pytest.mark.parametrize("tied", [True, False])
def test_scores_are_those_computed_by_hand(tied: bool) -> None:
    model = tiny(tied_embeddings=tied)
    units = [1, *model.symbols.encode(TEXT)]
    expected = by_hand(model, units)
    found = model.score(TEXT)
    assert found["nll"] == pytest.approx(-expected.mean(), abs=1e-5)
    assert found["perplexity"] == pytest.approx(math.exp(-expected.mean()), rel=1e-5)
    bits = -expected.sum() / math.log(2) / len(TEXT)
    assert found["bits_per_character"] == pytest.approx(bits, rel=1e-5)
    scored = model.log_probabilities(TEXT)
    assert [unit for unit, _ in scored] == list(TEXT)
    np.testing.assert_allclose([value for _, value in scored], expected, atol=1e-5)


def test_a_uniform_model_is_as_perplexed_as_it_has_units() -> None:
    model = tiny("abcd")
    for weight in model.weights:
        weight.assign(np.zeros(weight.shape))
    found = model.score("abba")
    assert found["perplexity"] == pytest.approx(8)
    assert found["bits_per_character"] == pytest.approx(3)


def test_pieces_are_worth_what_the_whole_is(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny(depth=2, recurrent="gru")
    text = TEXT * 3
    features = {"previous": np.array([[1, *model.symbols.encode(text)[:-1]]], "int32")}
    logits = ops.convert_to_numpy(ops.log_softmax(model(features), axis=-1))[0]
    whole = np.take_along_axis(logits, model.symbols.encode(text)[:, None].astype(int), 1).sum()
    monkeypatch.setattr(_reading, "_STEPS", 16)
    found = model.score([text[:50], text[50:51], text[51:]])
    assert found["nll"] == pytest.approx(-whole / len(text), abs=1e-5)


@pytest.mark.parametrize("context", ["sentence", "paragraph"])
def test_sentences_and_paragraphs_start_anew_and_end(context: str) -> None:
    model = tiny(context=context)
    parts = [p for p in TEXT.split("\n" if context == "sentence" else "\n\n") if p]
    expected = [by_hand(model, [1, *model.symbols.encode(part), 2]) for part in parts]
    found = model.score(TEXT)
    assert found["nll"] == pytest.approx(-np.concatenate(expected).mean(), abs=1e-5)
    total = -sum(values.sum() for values in expected)
    assert found["bits_per_character"] == pytest.approx(total / math.log(2) / len(TEXT), rel=1e-5)
    assert model.score([TEXT[:54], TEXT[54:]])["nll"] == pytest.approx(found["nll"], abs=1e-5)
    scored = model.log_probabilities([TEXT, parts[0]])
    assert [u for u, _ in scored[1]] == [*parts[0], "[END]"]
    np.testing.assert_allclose([v for _, v in scored[0]], np.concatenate(expected), atol=1e-5)


@pytest.mark.parametrize("unit", ["char", "byte", "bpe", "word", "ngram"])
@pytest.mark.parametrize("context", ["stream", "sentence", "paragraph"])
def test_every_unit_in_every_context(unit: str, context: str) -> None:
    size = {"bpe": 270, "word": 60, "ngram": 60}.get(unit)
    model = tiny(unit=unit, context=context, vocabulary_size=size)
    history = fit(model, epochs=2)
    assert history["loss"][1] < history["loss"][0]
    found = model.score(TEXT)
    scored = model.log_probabilities(TEXT)
    assert found["nll"] == pytest.approx(-np.mean([value for _, value in scored]), abs=1e-5)
    total = -sum(value for _, value in scored) / math.log(2)
    assert found["bits_per_character"] == pytest.approx(total / len(TEXT), rel=1e-5)


def test_bytes_are_counted_as_characters() -> None:
    model = tiny("ä€" * 9, unit="byte")
    scored = model.log_probabilities("ä€")
    assert [unit for unit, _ in scored] == ["<C3>", "<A4>", "<E2>", "<82>", "<AC>"]
    bits = -sum(value for _, value in scored) / math.log(2)
    assert model.score("ä€")["bits_per_character"] == pytest.approx(bits / 2, rel=1e-5)
    assert model.score([b"\xff\xfe\x00"])["nll"] > 0
    assert model.data_kind == "bytes" and tiny().data_kind == "texts"


def test_raw_data_come_in_many_forms(tmp_path: Path) -> None:
    model = tiny()
    expected = model.score([TEXT, "To be"])
    dataset = tf.data.Dataset.from_tensor_slices([TEXT, "To be"])
    for data in (dataset, (text for text in (TEXT, "To be")), ([TEXT, "To be"], None)):
        assert model.score(data) == expected
    assert training.evaluate(model, [TEXT, "To be"]) == expected
    assert model.score([TEXT, "", "To be"]) == expected


# What it is given.


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("", "must hold some text, but the text is empty"),
        (["", " \n"], "must hold some text, but all 2 texts are empty"),
        ([], "must hold at least one item"),
        ([b"ab", b"a\xffb"], r"Text 1 is not UTF-8 \(byte 1\).*`unit=\"byte\"`"),
        (["ab", 3], r"Texts must be strings. Received as number 1: 3 \(int\)"),
        ([("a", "b")], "Texts must be strings. Received as number 0"),
        (3, "must be a list"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "adapt", "score"])
def test_what_is_no_text_is_named(data: Any, sentence: str, method: str) -> None:
    model = tiny() if method == "score" else LanguageModel(units=4)
    with pytest.raises((ValueError, TypeError), match=sentence) as error:
        getattr(model, method)(data)
    assert len(str(error.value)) < 250


def test_a_long_line_that_is_not_utf8_is_not_shown_whole() -> None:
    with pytest.raises(ValueError, match="byte 100000") as error:
        tiny().score([b"a" * 100000 + b"\xff"])
    assert len(str(error.value)) < 250


def test_unseen_characters_are_refused_unless_they_are_to_be_replaced() -> None:
    with pytest.raises(ValueError, match=r"characters .* never|does not know: 'z'"):
        tiny().score("to be zzz")
    model = tiny(unknown="replace")
    assert [unit for unit, _ in model.log_probabilities("bz")] == ["b", "[UNK]"]
    assert tiny(unit="word", vocabulary_size=9).score("to zzz")["nll"] > 0
    with pytest.raises(ValueError, match="words that .* does not know: 'zzz'"):
        tiny(unit="word", unknown="error").score("be? zzz")


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        ({"unit": "letter"}, "`unit` must be one of 'char'"),
        ({"context": "page"}, "`context` must be one of 'stream'"),
        ({"unknown": "skip"}, "`unknown` must be one of None"),
        ({"unit": "bpe", "unknown": "replace"}, "which knows all texts"),
        ({"units": 0}, "`units` must be a positive integer"),
        ({"units": [8, 0]}, "`units` must be a positive integer"),
        ({"units": [8, 4], "depth": 3}, "`depth` must be left out"),
        ({"window": 0}, "`window` must be a positive integer"),
        ({"dropout": 1.0}, r"`dropout` must be a number in \[0, 1\)"),
        ({"input_dropout": -0.1}, "`input_dropout` must be a number"),
        ({"activation_regularization": -1}, "`activation_regularization` must not be negative"),
        ({"sampled_softmax": 0}, "`sampled_softmax` must be a positive integer"),
        ({"units": 8, "embedding_size": 4, "tied_embeddings": True}, "`projection_units` may"),
        ({"recurrent": "lstmm"}, "did you mean"),
        ({"recurrent": "gru", "projection_units": 3}, "projection_units"),
        ({"recurrent": "odyssey_x"}, "odyssey"),
    ],
)
def test_choices_that_cannot_be_are_named(choices: dict[str, Any], sentence: str) -> None:
    with pytest.raises((ValueError, TypeError), match=sentence):
        LanguageModel(**choices)


def test_vocabularies_that_cannot_be_are_named() -> None:
    with pytest.raises(ValueError, match="`vocabulary_size` must be at least 5"):
        LanguageModel(vocabulary_size=4).adapt("ab")
    with pytest.raises(ValueError, match="`sampled_softmax` must be less than the 6 units"):
        LanguageModel(units=4, sampled_softmax=6).adapt("ab")


# Keeping.


@pytest.mark.parametrize("unit", ["char", "byte", "bpe", "word", "ngram"])
def test_presets_give_the_same_model(unit: str, tmp_path: Path) -> None:
    model = tiny(unit=unit, context="sentence", projection_units=4, units=[8, 6])
    expected = model.score(TEXT)
    model.save_to_preset(tmp_path / "preset")
    loaded = LanguageModel.from_preset(tmp_path / "preset", window=50)
    assert loaded.window == 50 and loaded.score(TEXT) == expected


def test_keras_files_give_the_same_model(tmp_path: Path) -> None:
    model = tiny()
    fit(model)  # carries states, which are not saved
    model.save(tmp_path / "model.keras")
    loaded = zoo.load_model(tmp_path / "model.keras")
    assert loaded.score(TEXT) == model.score(TEXT)
    history = loaded.fit(TEXT, verbose=0).history
    assert math.isfinite(history["loss"][0])


def test_growing_keeps_what_was_known() -> None:
    model = tiny()
    assert model.count_symbols("to be zz") == {
        "vocabulary_size": model.symbols.size,
        "characters": 8,
        "unknown": 2,
        "units": 8,
    }
    larger = model.grow_vocabulary("zzy", vocabulary_size=100)
    assert larger.symbols.names == [*model.symbols.names, "z", "y"]
    old, new = weight_paths(model), weight_paths(larger)
    rows = ops.convert_to_numpy(new["embedding.embeddings"])
    np.testing.assert_array_equal(rows[:-2], ops.convert_to_numpy(old["embedding.embeddings"]))
    np.testing.assert_allclose(rows[-1], rows[:-2].mean(0), atol=1e-6)
    assert larger.score("zzy")["nll"] > 0
    with pytest.raises(ValueError, match="must be more than"):
        model.grow_vocabulary("z", vocabulary_size=9)
    words = tiny(unit="word").grow_vocabulary("new words", vocabulary_size=200)
    assert words.count_symbols("new words")["unknown"] == 0
    bpe = tiny(unit="bpe", vocabulary_size=262)
    assert bpe.grow_vocabulary("zyzy zyzy", vocabulary_size=264).symbols.size == 264


def test_scoring_works_in_mixed_precision() -> None:
    model = LanguageModel(units=6, dtype="mixed_bfloat16")
    keras.utils.set_random_seed(1)
    history = fit(model)
    assert math.isfinite(history["loss"][0]) and math.isfinite(model.score(TEXT)["nll"])
