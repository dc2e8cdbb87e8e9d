"""Searches find what they promise: compared with every sequence there is, and with plain NumPy."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from zoo.applications._decoding import Compiled, Found, beam_search, sample

SYMBOLS, LENGTH, START, END = 4, 4, 1, 2
ENDLESS = SYMBOLS - 1
EVERY = ENDLESS**LENGTH + sum(ENDLESS**n for n in range(LENGTH))


def tables(rows: int, seed: int = 0) -> np.ndarray:
    """Logits of the next symbol for each row and each history, numbered by `code`."""
    return np.random.default_rng(seed).normal(0, 1.5, (rows, 2 * SYMBOLS**LENGTH, SYMBOLS))


def start_states(rows: int) -> dict[str, Any]:
    """The row, and the symbols so far as one number: a 1, then a digit for each symbol."""
    return {"row": ops.arange(rows), "past": [ops.zeros((rows,), "int32")]}


def network(table: Any) -> Callable[[Any, Any], tuple[Any, Any]]:
    """A step whose logits depend on the row and on all symbols so far, through its states."""
    histories = table.shape[1]
    flat = ops.convert_to_tensor(np.reshape(table, (-1, table.shape[-1])), "float32")

    def step(symbols: Any, states: Any) -> tuple[Any, Any]:
        (code,) = states["past"]
        code = ops.where(code == 0, 1, code * SYMBOLS + symbols)
        logits = ops.take(flat, states["row"] * histories + code, axis=0)
        return logits, {"row": states["row"], "past": [code]}

    return step


def log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def log_probability(table: np.ndarray, symbols: tuple[int, ...]) -> float:
    """The sum over the symbols, by hand; `table` is that of one row."""
    total, code = 0.0, 1
    for symbol in symbols:
        total += log_softmax(table[code])[symbol]
        code = code * SYMBOLS + symbol
    return total


def score(table: np.ndarray, symbols: tuple[int, ...], length_penalty: float) -> float:
    return log_probability(table, symbols) / ((5 + len(symbols)) / 6) ** length_penalty


def every_sequence() -> list[tuple[int, ...]]:
    """All that end within LENGTH symbols, and all of LENGTH symbols without an end."""
    others = [symbol for symbol in range(SYMBOLS) if symbol != END]
    ended = [
        (*symbols, END)
        for n in range(LENGTH)
        for symbols in itertools.product(others, repeat=n)
    ]
    return ended + list(itertools.product(others, repeat=LENGTH))


def padded(symbols: tuple[int, ...], length: int = LENGTH) -> list[int]:
    return [*symbols, *[END] * (length - len(symbols))]


def reference_beam_search(
    table: np.ndarray, beams: int, length_penalty: float, limit: int = LENGTH
) -> list[tuple[tuple[int, ...], float]]:
    """Beam search as one writes it down."""
    kept: list[tuple[int, ...]] = [()]
    for _ in range(limit):
        grown = []
        for symbols in kept:
            if symbols and symbols[-1] == END:
                grown.append(symbols)
            else:
                grown += [(*symbols, symbol) for symbol in range(SYMBOLS)]
        grown.sort(key=lambda symbols: -score(table, symbols, length_penalty))
        kept = grown[:beams]
    return [(symbols, score(table, symbols, length_penalty)) for symbols in kept]


def arrays(found: Found) -> tuple[np.ndarray, np.ndarray]:
    return ops.convert_to_numpy(found.symbols), ops.convert_to_numpy(found.scores)


def search(table: np.ndarray, **arguments: Any) -> tuple[np.ndarray, np.ndarray]:
    rows = len(table)
    arguments = {"max_length": LENGTH, "start": START, "end": END, "rows": rows, **arguments}
    how = beam_search if "beams" in arguments else sample
    return arrays(how(network(table), start_states(rows), **arguments))


# Beam search.


@pytest.mark.parametrize("length_penalty", [0.0, 0.6, 1.0, 2.5])
def test_a_wide_beam_finds_every_sequence_in_order(length_penalty: float) -> None:
    table = tables(2)
    symbols, scores = search(table, beams=EVERY, length_penalty=length_penalty)
    for row in range(2):
        expected = sorted(
            every_sequence(), key=lambda found: -score(table[row], found, length_penalty)
        )
        assert len(expected) == EVERY
        np.testing.assert_array_equal(symbols[row], [padded(found) for found in expected])
        np.testing.assert_allclose(
            scores[row],
            [score(table[row], found, length_penalty) for found in expected],
            rtol=1e-5,
        )


def test_the_length_penalty_decides_between_short_and_long() -> None:
    lengths = []
    for length_penalty in (0.0, 20.0):
        symbols, _ = search(tables(6), beams=EVERY, length_penalty=length_penalty)
        lengths.append((symbols[:, 0] != END).sum())
    assert lengths[0] < lengths[1]


@pytest.mark.parametrize("beams", [1, 2, 3, 7])
def test_a_narrow_beam(beams: int) -> None:
    table = tables(5, seed=1)
    symbols, scores = search(table, beams=beams, length_penalty=0.7)
    assert symbols.shape == (5, beams, LENGTH)
    for row in range(5):
        expected = reference_beam_search(table[row], beams, 0.7)
        np.testing.assert_array_equal(symbols[row], [padded(found) for found, _ in expected])
        np.testing.assert_allclose(scores[row], [value for _, value in expected], rtol=1e-5)


def test_more_beams_than_sequences() -> None:
    table = tables(1, seed=2)
    symbols, scores = search(table, beams=SYMBOLS + 3, max_length=1)
    order = np.argsort(-log_softmax(table[0, 1]))
    np.testing.assert_array_equal(symbols[0, :SYMBOLS, 0], order)
    np.testing.assert_allclose(scores[0, :SYMBOLS], log_softmax(table[0, 1])[order], rtol=1e-5)
    assert (scores[0, SYMBOLS:] == -np.inf).all()


def test_a_finished_beam_does_not_change() -> None:
    """One beam ends at once and stays best, while others go on to the last symbol."""
    logits = np.log([[0.1, 0.1, 0.7, 0.1], [0.4, 0.3, 0.1, 0.2]])
    asked_after_end = []

    def step(symbols: Any, states: Any) -> tuple[Any, Any]:
        (at,) = states
        table = ops.convert_to_tensor(logits, "float32")
        chosen = ops.take(table, ops.minimum(at, 1), axis=0)
        # What the network says of a sequence that has ended must not matter.
        ended = ops.expand_dims(ops.logical_and(symbols == END, at > 0), -1)
        asked_after_end.append(True)
        return ops.where(ended, np.nan, chosen), [at + 1]

    for length in (1, 2, 5):
        found = beam_search(
            step,
            [ops.zeros((1,), "int32")],
            rows=1,
            max_length=length,
            start=START,
            end=END,
            beams=3,
            length_penalty=1.0,
        )
        symbols, scores = arrays(found)
        assert symbols[0, 0].tolist() == [END] * length
        assert scores[0, 0] == pytest.approx(np.log(0.7))  # one symbol: the penalty is 1
        if length > 1:
            assert symbols[0, 1, 0] != END and symbols[0, 1, 1] == 0
            expected = np.log(0.1 * 0.4 ** (length - 1)) / ((5 + length) / 6)
            assert scores[0, 1] == pytest.approx(expected, rel=1e-5)
        assert np.isfinite(scores).all()
    assert asked_after_end


def test_an_ended_beam_is_overtaken_by_better_ones_only() -> None:
    """At first [END] is best; with the length penalty the long sequence overtakes it."""
    logits = np.log([[0.39, 0.01, 0.6 - 1e-3, 1e-3], [0.97, 0.01, 0.01, 0.01]])
    table = np.zeros((1, 2 * SYMBOLS**LENGTH, SYMBOLS)) + logits[1]
    table[0, 1] = logits[0]
    first, _ = search(table, beams=2, length_penalty=0.0)
    assert first[0].tolist() == [[END] * 4, [0] * 4]
    second, scores = search(table, beams=2, length_penalty=3.0)
    assert second[0].tolist() == [[0] * 4, [END] * 4]
    assert scores[0, 1] == pytest.approx(logits[0, END], rel=1e-5)


@pytest.mark.parametrize("beams", [None, 3])
def test_a_batch_equals_its_rows(beams: int | None) -> None:
    table, arguments = tables(4, seed=3), {} if beams is None else {"beams": beams}
    symbols, scores = search(table, **arguments)
    for row in range(4):
        one_symbols, one_scores = search(table[row : row + 1], **arguments)
        np.testing.assert_array_equal(one_symbols[0], symbols[row])
        np.testing.assert_allclose(one_scores[0], scores[row], rtol=1e-5)


@pytest.mark.parametrize("beams", [None, 1, 3])
def test_rows_may_have_limits_of_their_own(beams: int | None) -> None:
    table = tables(3, seed=4)
    table[..., END] -= 3  # long sequences
    arguments: dict[str, Any] = {} if beams is None else {"beams": beams, "length_penalty": 1.0}
    limits = [1, 3, 4]
    symbols, scores = search(table, limits=ops.convert_to_tensor(limits, "int32"), **arguments)
    for row, limit in enumerate(limits):
        alone = search(table[row : row + 1], max_length=limit, **arguments)
        np.testing.assert_array_equal(symbols[row, ..., :limit], alone[0][0])
        assert (symbols[row, ..., limit:] == END).all()
        np.testing.assert_allclose(scores[row], alone[1][0], rtol=1e-5)


# Greedy search.


def greedy(table: np.ndarray) -> tuple[int, ...]:
    symbols: tuple[int, ...] = ()
    code = 1
    while len(symbols) < LENGTH and END not in symbols:
        symbols = (*symbols, int(np.argmax(table[code])))
        code = code * SYMBOLS + symbols[-1]
    return symbols


def test_greedy_takes_the_most_probable_symbol() -> None:
    table = tables(8, seed=5)
    symbols, scores = search(table)
    expected = [greedy(of_row) for of_row in table]
    assert {len(found) for found in expected} > {LENGTH}  # some end early
    np.testing.assert_array_equal(symbols, [padded(found) for found in expected])
    np.testing.assert_allclose(
        scores, [log_probability(*both) for both in zip(table, expected, strict=True)], rtol=1e-5
    )
    one_beam, one_score = search(table, beams=1)
    np.testing.assert_array_equal(one_beam[:, 0], symbols)
    np.testing.assert_allclose(one_score[:, 0], scores, rtol=1e-5)


def test_the_start_symbol_comes_first_and_the_loop_ends_with_the_last_row() -> None:
    seen: list[Any] = []

    def step(symbols: Any, states: Any) -> tuple[Any, Any]:
        seen.append(symbols)
        return ops.one_hot(symbols + 1, SYMBOLS) * 9.0, states  # counts up

    for start, end, expected in [(0, 2, [1, 2, 2, 2, 2]), (1, 3, [2, 3, 3, 3, 3])]:
        for options in ({}, {"beams": 2}):
            arguments = {"rows": 1, "max_length": 5, "start": start, "end": end, **options}
            how = beam_search if options else sample
            symbols = ops.convert_to_numpy(how(step, [ops.zeros((2, 1))[:1]], **arguments).symbols)
            assert symbols.reshape(-1, 5)[0].tolist() == expected
    assert seen


# Sampling.

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


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    return np.exp(log_softmax(logits / temperature))


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


# Compiled.


@pytest.mark.parametrize("arguments", [{"beams": 3, "length_penalty": 0.7}, {}])
def test_compiled_equals_eager(arguments: dict[str, Any]) -> None:
    table = tables(3, seed=8)

    def function(inputs: dict[str, Any]) -> dict[str, Any]:
        how = beam_search if arguments else sample
        states = {"row": inputs["row"], "past": [ops.zeros_like(inputs["row"])]}
        found = how(
            network(table),
            states,
            rows=ops.shape(inputs["row"])[0],
            max_length=LENGTH,
            start=START,
            end=END,
            **arguments,
        )
        return found._asdict()

    compiled = Compiled(keras.layers.Identity(), function)
    symbols, scores = search(table, **arguments)
    for rows in ([0, 1, 2], [2, 1]):
        found = compiled.predict_on_batch({"row": np.array(rows, "int32")})
        np.testing.assert_array_equal(found["symbols"], symbols[rows])
        np.testing.assert_allclose(found["scores"], scores[rows], rtol=1e-5)


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


def test_a_compiled_function_reads_the_weights_as_they_are() -> None:
    dense = keras.layers.Dense(2, use_bias=False, kernel_initializer="ones")
    dense.build((None, 3))
    compiled = Compiled(dense, lambda inputs: dense(inputs))
    inputs = np.ones((1, 3), "float32")
    np.testing.assert_allclose(compiled.predict_on_batch(inputs), [[3.0, 3.0]])
    dense.set_weights([2 * np.ones((3, 2))])
    np.testing.assert_allclose(compiled.predict_on_batch(inputs), [[6.0, 6.0]])
