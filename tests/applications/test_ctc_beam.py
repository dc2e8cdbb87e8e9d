"""Prefix beam search against the sums over all paths."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.applications.test_ctc import log_softmax, texts_of
from zoo.applications._ctc_beam import Hypothesis, prefix_beam_search, search_all
from zoo.applications._fusion import Fusion, as_scorer
from zoo.applications._lexicon import Lexicon

MANY = 500


class Bigrams:
    """A model of "a", "B" and "c" that knows the last letter, and perhaps of the end."""

    def __init__(self, seed: int, ends: bool = False) -> None:
        self.vocabulary = ["[START]", "c", "a", "B", "[END]"]
        self.end_id = 4 if ends else None
        table = np.random.default_rng(seed).random((5, 5)) ** 3 + 0.01
        self.table = np.log(table / table.sum(1, keepdims=True))
        self.calls, self.asked = 0, 0

    def start(self, rows: int = 1) -> dict[str, np.ndarray]:
        last = np.zeros(rows, int)
        return {"log_probabilities": self.table[last], "last": last}

    def score(self, state: dict[str, Any], tokens: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        assert len(state["last"]) == len(tokens) == len(state["log_probabilities"])
        self.calls, self.asked = self.calls + 1, self.asked + len(tokens)
        return self.table[tokens], {"log_probabilities": self.table[tokens], "last": tokens}

    def said(self, units: list[int | None]) -> float:
        """What it says of a text; one of the three letters where it does not know one."""
        total, last = 0.0, 0
        for unit in units:
            total += -math.log(3) if unit is None else self.table[last, unit]
            last = last if unit is None else unit
        return total + (self.table[last, 4] if self.end_id else 0.0)


def frames(seed: int, count: int = 5, symbols: int = 4) -> np.ndarray:
    return log_softmax(np.random.default_rng(seed).normal(0, 1.5, (count, symbols)))


def ranked(scores: dict[tuple[int, ...], float]) -> list[tuple[tuple[int, ...], float]]:
    return sorted(scores.items(), key=lambda item: -item[1])


def check(found: list[Hypothesis], expected: list[tuple[tuple[int, ...], float]]) -> None:
    assert [one.symbols for one in found] == [text for text, _ in expected[: len(found)]]
    np.testing.assert_allclose(
        [one.score for one in found], [score for _, score in expected[: len(found)]], rtol=1e-9
    )


@pytest.mark.parametrize("seed", range(4))
def test_with_beams_enough_it_is_exact(seed: int) -> None:
    table = frames(seed)
    expected = ranked({text: math.log(value) for text, value in texts_of(table).items()})
    check(prefix_beam_search(table, MANY, n_best=20), expected)
    # All texts are found, and their probabilities sum to 1.
    everything = prefix_beam_search(table, MANY, n_best=MANY)
    assert len(everything) == len(expected)
    assert sum(math.exp(one.score) for one in everything) == pytest.approx(1)


@pytest.mark.parametrize(
    ("characters", "units"),
    [
        ("aBc", [2, 3, 1]),
        ("\N{LATIN SMALL LETTER A WITH GRAVE}bC", [2, 3, 1]),
        ("a7c", [2, None, 1]),
    ],
)
@pytest.mark.parametrize("ends", [False, True])
def test_with_a_language_model(characters: str, units: list[int | None], ends: bool) -> None:
    """Against all texts: case and accents, characters that it lacks, and the end of a text."""
    table, model = frames(len(units) + ends), Bigrams(3, ends)
    fusion = Fusion(model, characters, weight=0.7, bonus=0.4)
    expected = {}
    for text, value in texts_of(table).items():
        said = model.said([units[symbol - 1] for symbol in text])
        expected[text] = math.log(value) + 0.7 * said + 0.4 * len(text)
    check(prefix_beam_search(table, MANY, fusion=fusion, n_best=20), ranked(expected))
    assert model.calls <= len(table)  # once a frame,
    assert model.asked <= len(expected)  # and once for each text


class OneAtATime:
    """The same model, asked about one text at a time; a state is the text."""

    def __init__(self, model: Bigrams) -> None:
        self.model = model

    def start(self) -> str:
        return ""

    def score(self, state: str, tokens: str) -> tuple[float, str]:
        last = self.model.vocabulary.index(state[-1]) if state else 0
        return self.model.table[last, self.model.vocabulary.index(tokens)], state + tokens


def test_a_model_that_reads_one_text_at_a_time() -> None:
    tables, model = [frames(seed, 7) for seed in range(2)], Bigrams(2)
    plain = Fusion(as_scorer(OneAtATime(model), "aBc"), "aBc", bonus=0.3)
    expected = search_all(tables, 8, fusion=Fusion(model, "aBc", bonus=0.3), n_best=4)
    assert search_all(tables, 8, fusion=plain, n_best=4) == expected


def test_items_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """They get what each gets alone, even where the memory of the model's states is short."""
    tables = [frames(seed, count) for seed, count in enumerate([4, 0, 9, 6])]
    model = Bigrams(1, ends=True)
    fusion = Fusion(model, "abc")
    alone = [prefix_beam_search(table, 6, fusion=fusion, n_best=3) for table in tables]
    asked, model.asked, model.calls = model.asked, 0, 0
    assert search_all(tables, 6, fusion=fusion, n_best=3) == alone
    assert model.calls <= 9 and model.asked < asked  # what several have in common is read once
    monkeypatch.setattr("zoo.applications._fusion._MOST_BYTES", 0)
    assert search_all(tables, 6, fusion=fusion, n_best=3) == alone
    assert search_all([], 6, fusion=fusion) == []


def test_a_model_of_other_letters() -> None:
    with pytest.raises(ValueError, match="`language_model` must know at least one character of"):
        Fusion(Bigrams(0), "xyz")


@pytest.mark.parametrize("separator", [None, 3])
def test_with_a_lexicon(separator: int | None) -> None:
    table = frames(7)
    words = [(1, 2), (2,), (2, 2, 1)]
    lexicon = Lexicon(words, 4, separator)

    def fits(text: tuple[int, ...]) -> bool:
        if not text or separator is None:
            return text in words
        parts: list[list[int]] = [[]]
        for symbol in text:
            parts.append([]) if symbol == separator else parts[-1].append(symbol)
        return all(tuple(part) in words for part in parts)

    expected = ranked(
        {text: math.log(value) for text, value in texts_of(table).items() if fits(text)}
    )
    found = prefix_beam_search(table, MANY, lexicon=lexicon, n_best=MANY)
    assert len(found) == len(expected) > 2
    check(found, expected)


def test_few_beams_keep_the_best() -> None:
    """Scores with few beams are never above the true ones, and more beams find no less."""
    table = frames(9, count=7)
    exact = {text: math.log(value) for text, value in texts_of(table).items()}
    best = [prefix_beam_search(table, beams)[0] for beams in (1, 2, 4, 16, MANY)]
    for one in best:
        assert one.score <= exact[one.symbols] + 1e-9
    assert best[-1].score == pytest.approx(max(exact.values()))
    assert len(prefix_beam_search(table, 4, n_best=9)) <= 4


def test_long_inputs_do_not_underflow() -> None:
    table = frames(1, count=400, symbols=6)
    found = prefix_beam_search(table, 8, n_best=2)
    assert np.isfinite(found[0].score) and found[0].score >= found[1].score


def test_nothing_to_read() -> None:
    assert prefix_beam_search(np.zeros((0, 3)), 4) == [Hypothesis((), 0.0)]


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="`beams` must be a positive integer. Received: beams=0"):
        prefix_beam_search(np.zeros((1, 2)), 0)
    with pytest.raises(ValueError, match="`lexicon` must hold at least one word"):
        Lexicon([[]], 3)
