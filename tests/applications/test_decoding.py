"""Beam and greedy search, compared with every sequence there is and with plain NumPy."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from tests.applications.tiny_search import (
    END,
    EVERY,
    LENGTH,
    START,
    SYMBOLS,
    arrays,
    every_sequence,
    log_probability,
    log_softmax,
    network,
    padded,
    reference_beam_search,
    score,
    search,
    tables,
)
from zoo.applications._decoding import Compiled, beam_search, sample

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

    def step(symbols: Any, states: Any) -> tuple[Any, Any]:
        (at,) = states
        table = ops.convert_to_tensor(logits, "float32")
        chosen = ops.take(table, ops.minimum(at, 1), axis=0)
        # What the network says of a sequence that has ended must not matter.
        ended = ops.expand_dims(ops.logical_and(symbols == END, at > 0), -1)
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
    def step(symbols: Any, states: Any) -> tuple[Any, Any]:
        return ops.one_hot(symbols + 1, SYMBOLS) * 9.0, states  # counts up

    for start, end, expected in [(0, 2, [1, 2, 2, 2, 2]), (1, 3, [2, 3, 3, 3, 3])]:
        for options in ({}, {"beams": 2}):
            arguments = {"rows": 1, "max_length": 5, "start": start, "end": end, **options}
            how = beam_search if options else sample
            symbols = ops.convert_to_numpy(how(step, [ops.zeros((2, 1))[:1]], **arguments).symbols)
            assert symbols.reshape(-1, 5)[0].tolist() == expected


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


def test_a_compiled_function_reads_the_weights_as_they_are() -> None:
    dense = keras.layers.Dense(2, use_bias=False, kernel_initializer="ones")
    dense.build((None, 3))
    compiled = Compiled(dense, lambda inputs: dense(inputs))
    inputs = np.ones((1, 3), "float32")
    np.testing.assert_allclose(compiled.predict_on_batch(inputs), [[3.0, 3.0]])
    dense.set_weights([2 * np.ones((3, 2))])
    np.testing.assert_allclose(compiled.predict_on_batch(inputs), [[6.0, 6.0]])


def test_first_calls_of_several_functions_are_no_frequent_retracing() -> None:
    code = """
import keras, numpy as np
from zoo.applications._decoding import Compiled
for number in range(6):
    model = Compiled(keras.layers.Identity(), lambda x: x + number)
    model.predict_on_batch(np.ones((1, 2), "float32"))
"""
    done = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr
    assert "retracing" not in done.stderr
