"""Texts that a language model writes: seeded, all at once or bit by bit, and to the right end."""

from __future__ import annotations

import itertools
from typing import Any

import keras
import numpy as np
import pytest

from tests.applications.tiny_language import TEXT, fit, tiny
from zoo import LanguageModel
from zoo.applications import _reading
from zoo.applications._contexts import first_end
from zoo.applications._word_level import SPECIALS


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return tiny(depth=2)


MANNERS: list[dict[str, Any]] = [
    {"temperature": 0},
    {"seed": 3},
    {"seed": 3, "temperature": 0.5, "top_k": 5, "top_p": 0.9},
]


@pytest.mark.parametrize("manner", MANNERS, ids=str)
def test_all_at_once_is_what_comes_bit_by_bit(model: LanguageModel, manner: Any) -> None:
    whole = model.generate("To be", max_units=30, **manner)
    pieces = list(model.stream("To be", max_units=30, **manner))
    assert whole == "To be" + "".join(pieces) and len(whole) == 35
    assert all(pieces)
    assert model.generate("To be", max_units=30, strip_prompt=True, **manner) == whole[5:]
    endless = model.stream("To be", **manner)
    assert list(itertools.islice(endless, 30)) == pieces


@pytest.mark.parametrize("unit", ["byte", "bpe", "word", "ngram"])
@pytest.mark.parametrize("context", ["stream", "sentence"])
def test_every_unit_is_written(unit: str, context: str) -> None:
    model = tiny(unit=unit, context=context)
    for prompt in ("To be", ""):
        whole = model.generate(prompt, max_units=12, seed=1)
        assert whole == prompt + "".join(model.stream(prompt, max_units=12, seed=1))
        assert not any(special in whole for special in SPECIALS)


def test_seeds_and_nothing_else_decide_the_draws(model: LanguageModel) -> None:
    first = model.generate(["To be", "or", "a mind"], max_units=20, seed=1)
    assert model.generate(["To be", "or", "a mind"], max_units=20, seed=1) == first
    assert model.generate(["To be", "or", "a mind"], max_units=20, seed=2) != first
    # The first prompt of a list draws what it draws alone.
    assert model.generate("To be", max_units=20, seed=1) == first[0]
    twice = model.generate([None, ""][1:] * 2, max_units=20, seed=1)
    assert twice[0] != twice[1]
    keras.utils.set_random_seed(5)
    drawn = model.generate(max_units=20)
    keras.utils.set_random_seed(5)
    assert model.generate(None, max_units=20) == drawn
    assert model.infer(["To be"], max_units=20, seed=1) == first[:1]


def test_greedy_takes_the_most_probable_unit(model: LanguageModel) -> None:
    written = model.generate("To", max_units=6, temperature=0)
    scorer = model.scorer()
    for place in range(2, 8):
        scores, _ = scorer.score(scorer.start(), scorer.encode(written[:place])[None])
        scores[:, :4] = -np.inf
        assert scorer.vocabulary[scores[0].argmax()] == written[place]
    assert model.generate("To", max_units=6, seed=9, top_k=1) == written
    assert model.generate("To", max_units=6, seed=9, temperature=1e-4) == written


def test_beams_find_the_most_probable_text() -> None:
    model = tiny("abc", context="sentence")
    texts = ["".join(t) for n in range(3) for t in itertools.product("abc", repeat=n)]
    totals = {}
    for text in texts:
        scored = model.log_probabilities("a" + text)
        totals[text] = sum(value for _, value in scored[1:])
    whole = [t for t in itertools.product("abc", repeat=3)]
    for text in map("".join, whole):  # cut by `max_units` before its end
        totals[text] = sum(value for _, value in model.log_probabilities("a" + text)[1:-1])
    best = max(totals, key=lambda text: totals[text])
    assert model.generate("a", max_units=3, beam_size=60) == "a" + best


def test_long_prompts_are_read_whole(model: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    prompt = TEXT * 4
    scorer = model.scorer()
    scores, _ = scorer.score(scorer.start(), scorer.encode(prompt)[None])
    scores[:, :4] = -np.inf
    monkeypatch.setattr(_reading, "_STEPS", 64)
    written = model.generate([prompt, "T"], max_units=1, temperature=0)
    assert written[0] == prompt + scorer.vocabulary[scores[0].argmax()]


# Ends.


@pytest.fixture(scope="module")
def parrot() -> LanguageModel:
    """A model that says again and again what it was told, its blank lines included."""
    keras.utils.set_random_seed(1)
    model = LanguageModel(units=48, window=40)
    text = 'He said: "Go!" Then he went.\n\nAnd I? I stayed.\n\n'
    model.compile(keras.optimizers.Adam(0.01))
    model.fit(text * 40, batch_size=8, epochs=30, verbose=0)
    return model


@pytest.mark.parametrize(
    ("prompt", "until", "expected"),
    [
        ("He", "sentence", 'He said: "Go!"'),
        ("Then", "sentence", "Then he went."),
        ("Then", "paragraph", "Then he went."),
        ("He", "paragraph", 'He said: "Go!" Then he went.'),
        ("And I", "paragraph", "And I? I stayed."),
        ("went.\n\n", "sentence", "went.\n\nAnd I?"),
    ],
)
def test_writing_ends_where_it_is_told_to(
    parrot: LanguageModel, prompt: str, until: str, expected: str
) -> None:
    options = {"until": until, "temperature": 0, "max_units": 60}
    assert parrot.generate(prompt, **options) == expected
    assert prompt + "".join(parrot.stream(prompt, **options)) == expected


def test_beams_end_too(parrot: LanguageModel) -> None:
    found = parrot.generate(["He", "Then"], until="sentence", beam_size=3, max_units=60)
    assert found == ['He said: "Go!"', "Then he went."]


@pytest.mark.parametrize("unit", ["char", "byte", "bpe", "word"])
@pytest.mark.parametrize("until", ["sentence", "paragraph"])
def test_whatever_is_written_ends_at_its_first_end(unit: str, until: str) -> None:
    model = tiny(unit=unit, vocabulary_size=262 if unit == "bpe" else None)
    fit(model, epochs=8, rate=0.05)
    prompts = ["To be"] * 20
    free = model.generate(prompts, max_units=40, seed=1, strip_prompt=True)
    ended = model.generate(prompts, max_units=40, seed=1, until=until, strip_prompt=True)
    for text, end in zip(free, ended, strict=True):
        place = first_end(text, until, "To be")
        assert end == (text if place is None else text[:place])
    (first,) = model.generate(prompts[:1], max_units=40, seed=1, until=until)
    assert "To be" + "".join(model.stream("To be", max_units=40, seed=1, until=until)) == first


def test_models_of_sentences_write_their_ends() -> None:
    model = tiny(["ab", "aab"], context="sentence", units=4)
    model.head.bias.assign(np.array([0, 0, 5, 0, 5, 0], "float32"))
    texts = model.generate([""] * 8, max_units=50, seed=1)
    assert max(map(len, texts)) < 50
    assert model.generate([""] * 8, max_units=50, seed=1, until="sentence") == texts


# What it is given.


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"max_units": 0}, "`max_units` must be a positive integer"),
        ({"temperature": -1}, "`temperature` must not be negative"),
        ({"temperature": float("nan")}, "`temperature` must not be negative"),
        ({"top_k": 0}, "`top_k` must be a positive integer"),
        ({"top_p": 0.0}, "`top_p` must be a number"),
        ({"until": "word"}, "`until` must be None"),
        ({"beam_size": 0}, "`beam_size` must be a positive integer"),
        ({"beam_size": 2, "top_k": 3}, "leave out `top_k`"),
        ({"beam_size": 2, "temperature": 0.5}, "leave out `temperature`"),
        ({"length_penalty": 1.0}, "`length_penalty` is for beam searches"),
        ({"prompts": ["a", 3]}, "Prompts must be strings. Received as number 1: 3"),
        ({"prompts": "Zz"}, "characters that this language model does not know: 'Z', 'z'"),
        ({"prompts": 3}, "must be a list"),
    ],
)
def test_what_cannot_be_written_is_named(
    model: LanguageModel, arguments: dict[str, Any], sentence: str
) -> None:
    with pytest.raises((ValueError, TypeError), match=sentence):
        model.generate(**arguments)
    arguments["prompt"] = arguments.pop("prompts", "")
    if not {"beam_size", "length_penalty"} & {*arguments} and arguments["prompt"] != ["a", 3]:
        with pytest.raises((ValueError, TypeError)):  # at once
            model.stream(**arguments)


@pytest.mark.parametrize(
    ("context", "prompt", "end"),
    [
        ("sentence", "To be\nor not", "a line end"),
        ("sentence", "To be\n", "a line end"),
        ("paragraph", "To be\n\nor", "a blank line"),
    ],
)
def test_a_prompt_longer_than_the_context(context: str, prompt: str, end: str) -> None:
    model = tiny(context=context)
    with pytest.raises(ValueError, match=f"Prompt 1 is longer than the context: it has {end}"):
        model.generate(["To", prompt])
    with pytest.raises(ValueError, match="Prompt 0 is longer than the context"):
        model.stream(prompt)


def test_a_model_of_sentences_writes_no_paragraphs() -> None:
    with pytest.raises(ValueError, match="`until='paragraph'` needs"):
        tiny(context="sentence").generate(until="paragraph")


def test_a_model_without_a_network_says_so() -> None:
    for method in ("generate", "stream", "scorer", "score", "log_probabilities"):
        arguments = ["To"] if method in ("score", "log_probabilities") else []
        with pytest.raises(RuntimeError, match="has no network yet"):
            getattr(LanguageModel(units=4), method)(*arguments)


# Joining other decoders.


def test_the_scorer_says_what_the_model_says(model: LanguageModel) -> None:
    scorer = model.scorer()
    text = "To be"
    state = scorer.start(rows=2)
    expected = [value for _, value in model.log_probabilities(text)]
    for unit, value in zip(scorer.encode(text), expected, strict=True):
        assert state["log_probabilities"][1, unit] == pytest.approx(value, abs=1e-5)
        np.testing.assert_allclose(np.exp(state["log_probabilities"]).sum(1), 1, rtol=1e-5)
        scores, state = scorer.score(state, np.array([5, unit]))
        np.testing.assert_array_equal(scores, state["log_probabilities"])
    parents = np.array([1, 1, 0])
    chosen = keras.tree.map_structure(lambda value: value[parents], state)
    scores, _ = scorer.score(chosen, np.array([6, 5, 4]))
    together, _ = scorer.score(scorer.start(), np.array([[*scorer.encode(text), 6]]))
    np.testing.assert_allclose(scores[0], together[0], atol=1e-5)
    assert scorer.end_id is None and tiny(context="sentence").scorer().end_id == 2


@pytest.mark.parametrize("tokens", [[1], [[1], [2]], [-1, 0], [0, 99], [[], []]])
def test_tokens_that_cannot_be_scored(model: LanguageModel, tokens: Any) -> None:
    scorer = model.scorer()
    if np.shape(tokens) == (2, 1):
        assert scorer.score(scorer.start(2), tokens)[0].shape == (2, len(scorer.vocabulary))
    else:
        with pytest.raises(ValueError, match="`tokens` must be"):
            scorer.score(scorer.start(2), tokens)
