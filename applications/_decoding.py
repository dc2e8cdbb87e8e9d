"""Search for output symbols: greedy, sampling and beam search, each in one compiled loop.

All take the same `step(symbols, states) -> (logits, new_states)`: symbols (rows,), logits
(rows, symbols), states any nested structure of tensors that start with the row axis.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops, tree

from zoo.layers._arguments import positive_integer

Step = Callable[[Any, Any], tuple[Any, Any]]


class Found(NamedTuple):
    """What a search gives: symbols (rows, [beams,] time), padded with the end symbol; the scores
    (rows, [beams]), log-probabilities, penalised by length in a beam search."""

    symbols: Any
    scores: Any


def sample(
    step: Step,
    states: Any,
    *,
    rows: Any,
    max_length: Any,
    start: int,
    end: int,
    uniforms: Any = None,
    limits: Any = None,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Found:
    """Emits symbol after symbol: the most probable one, or one drawn at random.

    Args:
        step, states: the network, see above.
        rows: how many sequences.
        max_length: the most symbols, the end symbol included.
        start, end: the symbol before the first one, or one for each row, (rows,); the one that
            ends a sequence.
        uniforms: (max_length, rows) numbers in [0, 1) that decide each draw, so that one seed
            gives the same symbols on every backend; None takes the most probable symbol.
        limits: integers (rows,), at most `max_length`: the most symbols of each row.
        temperature: the logits are divided by it before a draw.
        top_k: draw among the `top_k` most probable symbols only.
        top_p: draw among the fewest most probable symbols that have this probability together
            (Holtzman et al. 2020).

    Raises:
        ValueError: `temperature`, `top_k` or `top_p` leave nothing to draw from.
    """
    check_draw(temperature, top_k, top_p)
    if uniforms is not None:
        uniforms = ops.cast(ops.convert_to_tensor(uniforms), "float32")

    def body(position: Any, last: Any, done: Any, total: Any, symbols: Any, states: Any) -> Any:
        logits, states = step(last, states)
        log_probabilities = ops.log_softmax(ops.cast(logits, "float32"), axis=-1)
        numbers = None if uniforms is None else ops.take(uniforms, position, axis=0)
        chosen = choose(log_probabilities, numbers, temperature, top_k, top_p)
        gained = ops.take_along_axis(log_probabilities, ops.expand_dims(chosen, -1), axis=-1)
        total = total + ops.where(done, 0.0, ops.squeeze(gained, -1))
        chosen = ops.where(done, end, chosen)
        symbols = _write(symbols, position, chosen)
        position = position + 1
        done = _ended(ops.logical_or(done, chosen == end), position, limits)
        return position, chosen, done, total, symbols, states

    zeros = ops.zeros((rows,), "int32")
    _, _, _, total, symbols, _ = ops.while_loop(
        lambda position, last, done, *_: ops.logical_and(
            position < max_length, ops.logical_not(ops.all(done))
        ),
        body,
        (
            ops.convert_to_tensor(0, "int32"),
            zeros + start,
            ops.cast(zeros, "bool"),
            ops.cast(zeros, "float32"),
            ops.zeros((rows, max_length), "int32") + end,
            states,
        ),
    )
    return Found(symbols, total)


def beam_search(
    step: Step,
    states: Any,
    *,
    rows: Any,
    max_length: Any,
    start: int,
    end: int,
    beams: int,
    length_penalty: float = 0.0,
    limits: Any = None,
) -> Found:
    """Keeps the `beams` best sequences at each step; the best one comes first.

    A sequence of n symbols, the end included, with log-probability s has the score
    `s / ((5 + n) / 6) ** length_penalty` (Wu et al. 2016); one that has ended keeps its score and
    its place among the beams until others overtake it.

    Args:
        step, states, rows, max_length, start, end: as in `sample`; `states` has `rows` rows, and
            `step` is called with `rows * beams`.
        beams: how many sequences are kept.
        length_penalty: 0 compares plain log-probabilities; higher values favour long sequences.
        limits: as in `sample`.
    """

    def penalty(length: Any) -> Any:
        return ((5.0 + ops.cast(length, "float32")) / 6.0) ** length_penalty

    def reorder(value: Any, parents: Any) -> Any:
        flat = ops.reshape(parents + ops.expand_dims(ops.arange(rows) * beams, 1), (-1,))
        return ops.take(value, flat, axis=0)

    def body(position: Any, total: Any, lengths: Any, done: Any, symbols: Any, states: Any) -> Any:
        last = ops.where(position == 0, starts, _read(symbols, ops.maximum(position - 1, 0)))
        logits, states = step(last, states)
        vocabulary = logits.shape[-1]
        gains = ops.log_softmax(ops.cast(logits, "float32"), axis=-1)
        width = min(beams, vocabulary)
        gains, chosen = ops.top_k(gains, width)
        # An ended sequence has one continuation, itself.
        first = ops.arange(width) == 0
        frozen = ops.where(first, 0.0, -np.inf)
        ended = ops.reshape(done, (-1, 1))
        gains = ops.reshape(ops.where(ended, frozen, gains), (rows, beams, width))
        chosen = ops.reshape(ops.where(ended, end, chosen), (rows, beams, width))
        lengths = ops.where(done, lengths, lengths + 1)
        raw = ops.reshape(ops.expand_dims(total, -1) + gains, (rows, beams * width))
        ranked = raw / ops.repeat(penalty(lengths), width, axis=1)
        _, picked = ops.top_k(ranked, beams)
        picked = ops.cast(picked, "int32")
        parents = picked // width
        total = ops.take_along_axis(raw, picked, axis=1)
        lengths = ops.take_along_axis(lengths, parents, axis=1)
        done = ops.take_along_axis(done, parents, axis=1)
        chosen = ops.take_along_axis(ops.reshape(chosen, (rows, beams * width)), picked, axis=1)
        symbols = _write(reorder(symbols, parents), position, ops.reshape(chosen, (-1,)))
        states = tree.map_structure(lambda value: reorder(value, parents), states)
        position = position + 1
        rows_limits = None if limits is None else ops.expand_dims(limits, 1)
        done = _ended(ops.logical_or(done, chosen == end), position, rows_limits)
        return position, total, lengths, done, symbols, states

    zeros = ops.zeros((rows, beams), "int32")
    starts = ops.repeat(zeros[:, 0] + start, beams)
    _, total, lengths, _, symbols, _ = ops.while_loop(
        lambda position, total, lengths, done, *_: ops.logical_and(
            position < max_length, ops.logical_not(ops.all(done))
        ),
        body,
        (
            ops.convert_to_tensor(0, "int32"),
            ops.where(ops.arange(beams) == 0, 0.0, -np.inf) + ops.cast(zeros, "float32"),
            zeros,
            ops.cast(zeros, "bool"),
            ops.zeros((rows * beams, max_length), "int32") + end,
            tree.map_structure(lambda value: ops.repeat(value, beams, axis=0), states),
        ),
    )
    return Found(ops.reshape(symbols, (rows, beams, max_length)), total / penalty(lengths))


def _ended(done: Any, position: Any, limits: Any) -> Any:
    return done if limits is None else ops.logical_or(done, position >= limits)


def check_draw(temperature: float, top_k: int | None, top_p: float | None) -> None:
    """Refuses what leaves nothing to draw from."""
    if not temperature > 0:
        raise ValueError(f"`temperature` must be positive. Received: temperature={temperature!r}.")
    if top_k is not None:
        positive_integer("top_k", top_k)
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"`top_p` must be a number in (0, 1]. Received: top_p={top_p!r}.")


def choose(
    log_probabilities: Any,
    uniforms: Any,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Any:
    """Returns one symbol a row, drawn as `sample` says; the most probable without `uniforms`."""
    if uniforms is None:
        return ops.cast(ops.argmax(log_probabilities, axis=-1), "int32")
    return _draw(log_probabilities, uniforms, temperature, top_k, top_p)


def _draw(
    log_probabilities: Any,
    uniforms: Any,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
) -> Any:
    """Draws one symbol a row by inverting the cumulative distribution at `uniforms`."""
    symbols = log_probabilities.shape[-1]
    ordered, indices = ops.top_k(log_probabilities / temperature, min(top_k or symbols, symbols))
    probabilities = ops.exp(ops.log_softmax(ordered, axis=-1))
    cumulative = ops.cumsum(probabilities, axis=-1)
    if top_p is not None:
        kept = ops.cast(cumulative - probabilities < top_p, probabilities.dtype)
        cumulative = ops.cumsum(probabilities * kept, axis=-1)
    # Numbers that were rounded up to 1 would lie beyond the last symbol.
    threshold = ops.expand_dims(ops.minimum(uniforms, 1 - 2.0**-24), -1) * cumulative[:, -1:]
    place = ops.sum(ops.cast(cumulative <= threshold, "int32"), axis=-1, keepdims=True)
    return ops.cast(ops.squeeze(ops.take_along_axis(indices, place, axis=-1), -1), "int32")


def _write(symbols: Any, position: Any, chosen: Any) -> Any:
    here = ops.arange(ops.shape(symbols)[1]) == position
    return ops.where(here, ops.expand_dims(chosen, 1), symbols)


def _read(symbols: Any, position: Any) -> Any:
    return ops.squeeze(ops.take(symbols, ops.reshape(position, (1,)), axis=1), 1)


class Compiled(keras.Model):
    """A function of a network, compiled by Keras on any backend: `Compiled(network, function)`.

    `keras.Model.predict_on_batch` compiles, once a shape, and reads the network's weights as they
    are at each call. TensorFlow's warning of frequent retracing is left out: it counts the first
    calls of different functions together, as it sees only Keras's code around each.
    """

    def __init__(self, network: keras.layers.Layer, function: Callable[[Any], Any]) -> None:
        super().__init__(dtype=network.dtype_policy)
        self.network = network
        self.function = function
        self.built = True

    def call(self, inputs: Any) -> Any:
        return self.function(inputs)

    def predict_on_batch(self, x: Any) -> Any:
        logger = logging.getLogger("tensorflow")
        logger.addFilter(_no_warning_of_retracing)
        try:
            return super().predict_on_batch(x)
        finally:
            logger.removeFilter(_no_warning_of_retracing)


def _no_warning_of_retracing(record: logging.LogRecord) -> bool:
    return "triggered tf.function retracing" not in record.getMessage()
