"""Prefix beam search against the sums over all paths."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.applications.test_ctc import log_softmax, texts_of
from zoo.applications._ctc_beam import Fusion, Hypothesis, prefix_beam_search
from zoo.applications._lexicon import Lexicon

MANY = 500


class Bigrams:
    """A model of "abc" that knows the last letter."""

    def __init__(self, seed: int) -> None:
        table = np.random.default_rng(seed).random((4, 3)) ** 3 + 0.01
        self.table = np.log(table / table.sum(1, keepdims=True))
        self.asked = 0

    def start(self) -> int:
        return 3

    def score(self, state: int, tokens: str) -> tuple[float, int]:
        total = 0.0
        for token in tokens:
            self.asked += 1
            total += self.table[state, "abc".index(token)]
            state = "abc".index(token)
        return total, state


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


@pytest.mark.parametrize("seed", range(3))
def test_with_a_language_model(seed: int) -> None:
    table, model = frames(seed), Bigrams(seed)
    fusion = Fusion(model, lambda symbol: "abc"[symbol - 1], weight=0.7, bonus=0.4)
    expected = {}
    for text, value in texts_of(table).items():
        letters = "".join("abc"[symbol - 1] for symbol in text)
        said = model.score(model.start(), letters)[0]
        expected[text] = math.log(value) + 0.7 * said + 0.4 * len(text)
    model.asked = 0
    check(prefix_beam_search(table, MANY, fusion=fusion, n_best=20), ranked(expected))
    assert model.asked <= len(expected)  # once for each text at most
    prefix_beam_search(table, 2, fusion=fusion)


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
