"""A tiny network to search in, whose every sequence can be written down and scored by hand."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from zoo.applications._decoding import Found, beam_search, sample

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
        (*symbols, END) for n in range(LENGTH) for symbols in itertools.product(others, repeat=n)
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


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    return np.exp(log_softmax(logits / temperature))
