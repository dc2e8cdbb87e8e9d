"""Sampling draws what it may, as often as it should."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from tests.applications.tiny_search import (
    END,
    LENGTH,
    START,
    SYMBOLS,
    arrays,
    log_probability,
    log_softmax,
    network,
    padded,
    search,
    softmax,
    tables,
)
from zoo.applications._decoding import Compiled, sample

LOGITS = np.array([[0.3, -1.0, 1.2, 0.1, -0.4], [2.0, 2.0, -3.0, 0.0, 1.0]])
GRID = (np.arange(2000) + 0.5) / 2000


def frequencies(logits: np.ndarray, **options: Any) -> np.ndarray:
    """How often each symbol is drawn when the random numbers are spread evenly."""
    rows = ops.convert_to_tensor(np.tile(logits, (len(GRID), 1)), "float32")
    found = sample(
        lambda symbols, states: (rows, states),
        [ops.zeros((len(GRID),))],
        rows=len(GRID),
        max_length=1,
        start=0,
        end=len(logits),
        uniforms=GRID[None].astype("float32"),
        **options,
    )
    symbols, scores = arrays(found)
    # The scores are the network's own log-probabilities, whatever the draw was among.
    np.testing.assert_allclose(scores, log_softmax(logits)[symbols[:, 0]], rtol=1e-4, atol=1e-5)
    return np.bincount(symbols[:, 0], minlength=len(logits)) / len(GRID)


@pytest.mark.parametrize("logits", LOGITS)
@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_frequencies_follow_the_softmax(logits: np.ndarray, temperature: float) -> None:
    found = frequencies(logits, temperature=temperature)
    np.testing.assert_allclose(found, softmax(logits, temperature), atol=2 / len(GRID))


@pytest.mark.parametrize("top_k", [1, 2, 4, 5, 99])
def test_top_k(top_k: int) -> None:
    allowed = np.zeros(5)
    allowed[np.argsort(-LOGITS[0])[:top_k]] = 1
    expected = softmax(LOGITS[0], 2.0) * allowed
    found = frequencies(LOGITS[0], temperature=2.0, top_k=top_k)
    assert (found[allowed == 0] == 0).all()
    np.testing.assert_allclose(found, expected / expected.sum(), atol=2 / len(GRID))


@pytest.mark.parametrize(("top_p", "kept"), [(1e-9, 1), (0.45, 1), (0.7, 3), (0.95, 5), (1.0, 5)])
def test_top_p(top_p: float, kept: int) -> None:
    probabilities = softmax(LOGITS[0])
    order = np.argsort(-probabilities)
    fewest = 1 + int((np.cumsum(probabilities[order]) < top_p - 1e-7).sum())
    assert min(fewest, 5) == kept
    expected = np.zeros(5)
    expected[order[:kept]] = probabilities[order[:kept]]
    found = frequencies(LOGITS[0], top_p=top_p)
    assert (found[expected == 0] == 0).all()
    np.testing.assert_allclose(found, expected / expected.sum(), atol=2 / len(GRID))


def test_top_p_counts_among_the_top_k() -> None:
    """Of the two best, renormalised to 0.71 and 0.29, half of the probability is the first."""
    assert np.count_nonzero(frequencies(LOGITS[0], top_k=2, top_p=0.7)) == 1
    assert np.count_nonzero(frequencies(LOGITS[0], top_k=2, top_p=0.72)) == 2


@pytest.mark.parametrize("options", [{}, {"top_k": 2}, {"top_p": 0.6}])
def test_numbers_next_to_one_draw_an_allowed_symbol(options: dict[str, Any]) -> None:
    logits = ops.convert_to_tensor([[5.0, 3.0, -200.0, -200.0]], "float32")
    for number in (0.0, 0.9999999, 1 - 1e-12):  # the last one is 1 in float32
        found = sample(
            lambda symbols, states: (logits, states),
            [ops.zeros((1,))],
            rows=1,
            max_length=1,
            start=0,
            end=9,
            uniforms=np.array([[number]]),
            **options,
        )
        symbols, scores = arrays(found)
        assert symbols[0, 0] in (0, 1)
        assert np.isfinite(scores).all()


def test_the_same_numbers_give_the_same_symbols() -> None:
    table = tables(6, seed=6)
    generator = np.random.default_rng(0)
    uniforms = generator.random((LENGTH, 6), "float32")
    first, scores = search(table, uniforms=uniforms)
    second, _ = search(table, uniforms=uniforms)
    np.testing.assert_array_equal(first, second)
    other, _ = search(table, uniforms=generator.random((LENGTH, 6), "float32"))
    assert (first != other).any()
    for row in range(6):  # by hand: the most probable symbol first, as far as the number reaches
        symbols: tuple[int, ...] = ()
        code = 1
        while len(symbols) < LENGTH and END not in symbols:
            probabilities = softmax(table[row, code])
            order = np.argsort(-probabilities)
            place = np.searchsorted(np.cumsum(probabilities[order]), uniforms[len(symbols), row])
            symbols = (*symbols, int(order[place]))
            code = code * SYMBOLS + symbols[-1]
        assert first[row].tolist() == padded(symbols)
        assert scores[row] == pytest.approx(log_probability(table[row], symbols), rel=1e-5)


def test_a_low_temperature_is_greedy() -> None:
    table, uniforms = tables(5, seed=7), np.full((LENGTH, 5), 0.999, "float32")
    np.testing.assert_array_equal(
        search(table, uniforms=uniforms, temperature=1e-3)[0], search(table)[0]
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0.0}, r"`temperature` must be positive. Received: temperature=0.0."),
        ({"temperature": float("nan")}, "`temperature` must be positive"),
        ({"top_k": 0}, r"`top_k` must be a positive integer. Received: top_k=0."),
        ({"top_p": 0.0}, r"`top_p` must be a number in \(0, 1\]. Received: top_p=0.0."),
        ({"top_p": 1.5}, "`top_p` must be a number"),
    ],
)
def test_nothing_to_draw_from(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        search(tables(1), uniforms=np.zeros((LENGTH, 1)), **options)


def test_sampling_compiled() -> None:
    table = tables(3, seed=9)
    uniforms = np.random.default_rng(1).random((3, LENGTH), "float32")

    def function(inputs: dict[str, Any]) -> Any:
        states = {"row": inputs["row"], "past": [ops.zeros_like(inputs["row"])]}
        return sample(
            network(table),
            states,
            rows=3,
            max_length=LENGTH,
            start=START,
            end=END,
            uniforms=ops.transpose(inputs["uniforms"]),
            temperature=1.5,
            top_k=3,
            top_p=0.9,
        ).symbols

    compiled = Compiled(keras.layers.Identity(), function)
    found = compiled.predict_on_batch({"row": np.arange(3, dtype="int32"), "uniforms": uniforms})
    expected = search(table, uniforms=uniforms.T, temperature=1.5, top_k=3, top_p=0.9)[0]
    np.testing.assert_array_equal(found, expected)
